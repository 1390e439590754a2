/* SPDX-License-Identifier: Apache-2.0 */
/* Exit counters in words. */
#include <hv/vm.h>

size_t vm_exits_print(char *text, size_t size, const uint64_t exits[EXIT_REASONS])
{
	static const char names[EXIT_REASONS][12] = {
		"mmio", "call",  "ipi",         "sysreg", "other",
		"kick", "timer", "maintenance", "line",   "msi",
	};
	size_t len = 0;

	for (unsigned i = 0; i < EXIT_REASONS; i++)
		len += fmt_print(text + len, size - len, " %s=%lu", names[i], exits[i]);
	return len;
}
