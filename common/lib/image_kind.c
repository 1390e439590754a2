/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file that was given as a kernel looks like. The loader takes arm64 Images, and gzip files
 * of them; whoever gives something else is told what it is and what to do.
 */
#include <string.h>

#include <hv/image.h>

/* Magic numbers, most telling first: a file may have two of them. */
static const struct {
	uint8_t offset, length;
	char bytes[9];
	enum image_kind kind;
} magics[] = {
	{ 56, 4, "ARM\x64", IMAGE_ARM64 },           /* Linux, Documentation/arch/arm64/booting */
	{ 4, 4, "zimg", IMAGE_ZBOOT },               /* Linux, drivers/firmware/efi/libstub/zboot */
	{ 0, 2, "MZ", IMAGE_EFI },                   /* PE/COFF */
	{ 0, 4, "\x7f\x45\x4c\x46", IMAGE_ELF },     /* ELF */
	{ 0, 4, "\x27\x05\x19\x56", IMAGE_UIMAGE },  /* U-Boot's legacy header */
	{ 0, 4, "\xd0\x0d\xfe\xed", IMAGE_TREE },    /* Devicetree Specification v0.4 §5.2 */
	{ 36, 4, "\x18\x28\x6f\x01", IMAGE_ZIMAGE }, /* Linux for 32-bit Arm */
	{ 0, 6, "070701", IMAGE_CPIO },
	{ 1, 4, "7zXZ", IMAGE_COMPRESSED },             /* xz, behind 0xfd */
	{ 0, 4, "\x28\xb5\x2f\xfd", IMAGE_COMPRESSED }, /* zstd */
	{ 0, 4, "\x04\x22\x4d\x18", IMAGE_COMPRESSED }, /* lz4 */
	{ 0, 4, "\x02\x21\x4c\x18", IMAGE_COMPRESSED }, /* lz4, as Linux' makefiles use it */
	{ 0, 3, "BZh", IMAGE_COMPRESSED },
	{ 0, 3, "\x5d\x00\x00", IMAGE_COMPRESSED }, /* lzma */
	{ 0, 2, "\x1f\x8b", IMAGE_GZIP },           /* RFC 1952 §2.3.1 */
};

static bool all_zero(const uint8_t *head, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (head[i])
			return false;
	return true;
}

enum image_kind image_kind(const uint8_t head[IMAGE_HEAD], size_t size)
{
	size_t known = MIN(size, (size_t)IMAGE_HEAD);

	for (unsigned i = 0; i < ARRAY_SIZE(magics); i++)
		if (magics[i].offset + magics[i].length <= known &&
		    !memcmp(head + magics[i].offset, magics[i].bytes, magics[i].length))
			return magics[i].kind;
	return all_zero(head, known) ? IMAGE_ZEROS : IMAGE_UNKNOWN;
}

const char *image_advice(enum image_kind kind)
{
	switch (kind) {
	case IMAGE_ZBOOT:
		return "looks like an EFI zboot file; unpack it with tools/guests/unzboot";
	case IMAGE_EFI:
		return "looks like an EFI program; load an arm64 Image";
	case IMAGE_ELF:
		return "looks like an ELF file; load an arm64 Image (objcopy -O binary makes a raw "
		       "binary of it)";
	case IMAGE_UIMAGE:
		return "looks like a uImage; load the Image that it was made of";
	case IMAGE_TREE:
		return "looks like a device tree or a FIT image; load the Image that is in it";
	case IMAGE_ZIMAGE:
		return "looks like a kernel for 32-bit Arm; load an arm64 Image";
	case IMAGE_CPIO:
		return "looks like a ramdisk; give it as a module \"multiboot,ramdisk\"";
	case IMAGE_COMPRESSED:
		return "is compressed, and not by gzip; unpack it, or use gzip";
	case IMAGE_ZEROS:
		return "begins with zeros, as if nothing was loaded there; load it, and give its "
		       "address and size in reg";
	case IMAGE_GZIP:
		return "is a gzip file that holds no arm64 Image, or is damaged; load it again, "
		       "and give its exact size in reg";
	case IMAGE_ARM64:
	case IMAGE_UNKNOWN:
		break;
	}
	return "has no arm64 Image header; load an arm64 Image, or give viaduct,raw for a raw "
	       "binary";
}
