/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where kernel, ramdisk and device tree go, for every header of 64 bytes, file size, ramdisk and
 * RAM. Assumed: RAM and sizes end below 2^40, which stage 2 (40 bits) and the loader see to.
 */
#include "prove.h"

#include <hv/bits.h>

#include "common/lib/image.c"

void prove(void)
{
	uint8_t head[IMAGE_HEAD];
	uint64_t size = nondet_u64(), initrd = nondet_u64();
	struct range ram = { nondet_u64(), nondet_u64() };
	struct image_layout l;

	__CPROVER_havoc_object(head);
	ASSUME(ram.base < BIT(40) && ram.size < BIT(40) && size < BIT(40) && initrd < BIT(40));
	if (image_layout(head, size, initrd, ram, &l) != HV_OK)
		return;
	PROVE(l.kernel_size >= size, "all of the file has a place");
	PROVE(range_contains(ram, l.kernel, l.kernel_size), "the kernel is in RAM");
	PROVE(range_contains(ram, l.dtb, DTB_SIZE), "the device tree is in RAM");
	PROVE(l.kernel + l.kernel_size <= l.dtb, "the kernel ends below the device tree");
	PROVE(IS_ALIGNED(l.dtb, DTB_SIZE), "the device tree crosses no 2 MiB");
	if (!initrd)
		return;
	PROVE(range_contains(ram, l.initrd, initrd), "the ramdisk is in RAM");
	PROVE(l.initrd >= l.kernel + l.kernel_size && l.initrd + initrd <= l.dtb,
	      "the ramdisk lies between both");
}
