/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: formats one line on the stack and hands it to the console whole, so that lines of
 * several CPUs never mix. Longer lines are cut.
 */
#include <hv/console.h>
#include <hv/log.h>

#define LINE_MAX 256

static const char prefixes[][20] = {
	[LOG_ERR] = "viaduct: error: ",
	[LOG_WARN] = "viaduct: warning: ",
	[LOG_INFO] = "viaduct: ",
};

void log_line(enum log_level level, const char *fmt, ...)
{
	char line[LINE_MAX + 1];
	size_t n = fmt_print(line, LINE_MAX, "%s", prefixes[level]);
	va_list ap;

	va_start(ap, fmt);
	n += fmt_vprint(line + n, LINE_MAX - n, fmt, ap);
	va_end(ap);
	line[n++] = '\n';
	console_put(0, line, n);
}
