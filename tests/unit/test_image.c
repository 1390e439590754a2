/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel images: where things go, and gzip files that are cut, damaged or too large. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include <hv/image.h>

static uint8_t head[64];

static void header(uint64_t text_offset, uint64_t size)
{
	memset(head, 0, sizeof(head));
	memcpy(head + 8, &text_offset, 8);
	memcpy(head + 16, &size, 8);
	memcpy(head + 56, "ARM\x64", 4);
}

static const struct {
	const char *rule;
	uint64_t offset, size; /* header; size ~0: no header */
	uint64_t file, initrd;
	struct range ram;
	enum hv_status status;
	uint64_t kernel, kernel_size, initrd_at, dtb;
} layouts[] = {
	{ "behind each other, tree in the last 2 MiB",
	  0,
	  0x1234567,
	  0x1000000,
	  0x5000,
	  { 0x40000000, 0x10000000 },
	  HV_OK,
	  0x40000000,
	  0x1234567,
	  0x41240000,
	  0x4fe00000 },
	{ "text_offset counts from a 2 MiB base",
	  0x80000,
	  0x200000,
	  0x1000,
	  0,
	  { 0x40001000, 0x1000000 },
	  HV_OK,
	  0x40280000,
	  0x200000,
	  0,
	  0x40e00000 },
	{ "old header without a size",
	  0x1000,
	  0,
	  0x300000,
	  0,
	  { 0x40000000, 0x1000000 },
	  HV_OK,
	  0x40080000,
	  0x300000,
	  0,
	  0x40e00000 },
	{ "file larger than the header says",
	  0,
	  0x1000,
	  0x3000,
	  0,
	  { 0x40000000, 0x1000000 },
	  HV_OK,
	  0x40000000,
	  0x3000,
	  0,
	  0x40e00000 },
	{ "raw binary at the base",
	  0,
	  ~UINT64_C(0),
	  0x3000,
	  0,
	  { 0x40000000, 0x1000000 },
	  HV_OK,
	  0x40000000,
	  0x3000,
	  0,
	  0x40e00000 },
	{ "fits exactly",
	  0,
	  0xc00000,
	  1,
	  0x200000,
	  { 0x40000000, 0x1000000 },
	  HV_OK,
	  0x40000000,
	  0xc00000,
	  0x40c00000,
	  0x40e00000 },
	{ "one byte too many", 0, 0xc00000, 1, 0x200001, { 0x40000000, 0x1000000 }, HV_ENOMEM },
	{ "kernel too large", 0, 0xe00001, 1, 0, { 0x40000000, 0x1000000 }, HV_ENOMEM },
	{ "RAM without room for a tree", 0, 0x1000, 1, 0, { 0x40000000, 0x200000 }, HV_ENOMEM },
	{ "RAM of one page", 0, 0x1000, 1, 0, { 0x40000000, 0x1000 }, HV_ENOMEM },
	{ "crooked text_offset", 0x80004, 0x1000, 1, 0, { 0x40000000, 0x1000000 }, HV_EINVAL },
	{ "huge text_offset",
	  ~UINT64_C(0xfff),
	  0x1000,
	  1,
	  0,
	  { 0x40000000, 0x1000000 },
	  HV_EINVAL },
	{ "huge image_size", 0, ~UINT64_C(1), 1, 0, { 0x40000000, 0x1000000 }, HV_EINVAL },
	{ "huge ramdisk", 0, 0x1000, 1, ~UINT64_C(0), { 0x40000000, 0x1000000 }, HV_ENOMEM },
	{ "RAM at the end of IPA",
	  0,
	  0x1000,
	  1,
	  1,
	  { 0xff00000000, 0x100000000 },
	  HV_OK,
	  0xff00000000,
	  0x1000,
	  0xff00010000,
	  0xffffe00000 },
};

static void lays_out(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(layouts); i++) {
		struct image_layout l = { 0 };
		enum hv_status s;

		header(layouts[i].offset, layouts[i].size);
		if (layouts[i].size == ~UINT64_C(0))
			memset(head, 0x5a, sizeof(head));
		s = image_layout(head, layouts[i].file, layouts[i].initrd, layouts[i].ram, &l);
		if (s != layouts[i].status || l.kernel != layouts[i].kernel ||
		    l.kernel_size != layouts[i].kernel_size || l.initrd != layouts[i].initrd_at ||
		    l.dtb != layouts[i].dtb)
			fail_msg("%s: %d, kernel %lx + %lx, initrd %lx, dtb %lx", layouts[i].rule,
				 s, l.kernel, l.kernel_size, l.initrd, l.dtb);
	}
}

#define PLAIN 300000
static uint8_t plain[PLAIN], packed[PLAIN + 1000];
static uint8_t work[IMAGE_WORK] __attribute__((aligned(64)));
static size_t packed_size;

static uint8_t extra[] = { 'V', 'D', 2, 0, 0, 8 };
static uint8_t file_name[] = "Image", remark[] = "a comment";

static int pack_it(gz_header *header)
{
	z_stream z = { 0 };

	if (deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -1;
	if (header)
		deflateSetHeader(&z, header);
	z.next_in = plain;
	z.avail_in = PLAIN;
	z.next_out = packed;
	z.avail_out = sizeof(packed);
	deflate(&z, Z_FINISH);
	packed_size = z.total_out;
	return deflateEnd(&z);
}

static int pack(void **state)
{
	header(0, 0x400000);
	for (size_t i = 0; i < PLAIN; i++)
		plain[i] = (uint8_t)(i * i >> 7);
	memcpy(plain, head, sizeof(head));
	return pack_it(NULL);
}

struct out {
	uint8_t *data;
	size_t size;
};

static void collect(void *arg, const void *piece, size_t size)
{
	struct out *o = arg;

	assert_true(size <= PLAIN - o->size);
	memcpy(o->data + o->size, piece, size);
	o->size += size;
}

static void inflates_what_was_deflated(void **state)
{
	struct out o = { malloc(PLAIN), 0 };

	assert_true(image_is_gzip(packed, packed_size));
	assert_false(image_is_gzip(packed, 17));
	assert_false(image_is_gzip(plain, PLAIN));
	assert_int_equal(image_unpack(image_in_memory(packed, packed_size), PLAIN, collect, &o,
				      work),
			 HV_OK);
	assert_int_equal(o.size, PLAIN);
	assert_memory_equal(o.data, plain, PLAIN);
	free(o.data);
}

static void every_kind_of_header_is_stepped_over(void **state)
{
	static const gz_header headers[] = {
		{ .name = file_name },
		{ .comment = remark },
		{ .extra = extra, .extra_len = sizeof(extra) },
		{ .hcrc = 1 },
		{ .name = file_name,
		  .comment = remark,
		  .extra = extra,
		  .extra_len = sizeof(extra),
		  .hcrc = 1 },
	};
	struct out o = { malloc(PLAIN), 0 };

	for (unsigned i = 0; i < ARRAY_SIZE(headers); i++) {
		gz_header h = headers[i];
		uint8_t *cut;

		pack_it(&h);
		o.size = 0;
		assert_int_equal(image_unpack(image_in_memory(packed, packed_size), PLAIN, collect,
					      &o, work),
				 HV_OK);
		assert_int_equal(o.size, PLAIN);
		assert_memory_equal(o.data, plain, PLAIN);
		for (size_t size = 18; size < 60;
		     size++) { /* on the heap: the sanitizer sees an overrun */
			cut = malloc(size);
			memcpy(cut, packed, size);
			o.size = 0;
			assert_int_equal(image_unpack(image_in_memory(cut, size), PLAIN, collect,
						      &o, work),
					 HV_EINVAL);
			free(cut);
		}
	}
	packed[3] |= 0x20; /* a bit that RFC 1952 reserves */
	assert_int_equal(image_unpack(image_in_memory(packed, packed_size), PLAIN, collect, &o,
				      work),
			 HV_EINVAL);
	pack_it(NULL);
	free(o.data);
}

static void bad_files_are_refused(void **state)
{
	struct out o = { malloc(PLAIN), 0 };
	uint8_t *copy = malloc(packed_size);

	for (size_t cut = 1; cut < packed_size; cut += packed_size / 50) {
		o.size = 0;
		assert_int_equal(image_unpack(image_in_memory(packed, packed_size - cut), PLAIN,
					      collect, &o, work),
				 HV_EINVAL);
	}
	for (size_t at = 10; at < packed_size; at += packed_size / 50) {
		memcpy(copy, packed, packed_size);
		copy[at] ^= 0x10;
		o.size = 0;
		assert_int_not_equal(image_unpack(image_in_memory(copy, packed_size), PLAIN,
						  collect, &o, work),
				     HV_OK);
	}
	for (size_t at = packed_size - 8; at < packed_size; at++) { /* CRC and size */
		memcpy(copy, packed, packed_size);
		copy[at] ^= 1;
		o.size = 0;
		assert_int_equal(image_unpack(image_in_memory(copy, packed_size), PLAIN, collect,
					      &o, work),
				 HV_EINVAL);
	}
	o.size = 0;
	assert_int_equal(image_unpack(image_in_memory(packed, packed_size), PLAIN - 1, collect, &o,
				      work),
			 HV_ENOMEM);
	assert_int_equal(o.size, PLAIN - 1);
	free(copy);
	free(o.data);
}

static void head_is_found_in_both_kinds(void **state)
{
	uint8_t h[IMAGE_HEAD];
	uint64_t size;

	assert_int_equal(image_head(plain, PLAIN, h, &size), HV_OK);
	assert_int_equal(size, PLAIN);
	assert_memory_equal(h, plain, IMAGE_HEAD);
	memset(h, 0, sizeof(h));
	assert_int_equal(image_head(packed, packed_size, h, &size), HV_OK);
	assert_int_equal(size, PLAIN);
	assert_memory_equal(h, plain, IMAGE_HEAD);
	assert_int_equal(image_head(packed, 20, h, &size), HV_EINVAL);
	memset(plain, 0x55, 64); /* a compressed ramdisk is no kernel */
	pack_it(NULL);
	assert_int_equal(image_head(packed, packed_size, h, &size), HV_EINVAL);
	assert_int_equal(image_head("ab", 2, h, &size), HV_OK);
	assert_int_equal(h[1], 'b');
	assert_int_equal(h[2], 0);
}

static void a_cut_gzip_is_damaged_whatever_its_last_bytes_say(void **state)
{
	uint8_t h[IMAGE_HEAD];
	uint64_t size;

	header(0, PLAIN + 0x1000);
	memcpy(plain, head, sizeof(head));
	pack_it(NULL);
	assert_int_equal(image_head(packed, packed_size, h, &size), HV_OK);
	memset((uint8_t *)packed + packed_size - 14, 0xee, 4); /* would be the size: 4 GB */
	assert_int_equal(image_head(packed, packed_size - 10, h, &size), HV_EINVAL);
}

static const struct {
	const char *begin;
	size_t at, length;
	enum image_kind kind;
	const char *advice;
} files[] = {
	{ "ARM\x64", 56, 4, IMAGE_ARM64, "" },
	{ "MZ\0\0zimg", 0, 8, IMAGE_ZBOOT, "unzboot" },
	{ "MZ\x90", 0, 3, IMAGE_EFI, "EFI program" },
	{ "\x7f"
	  "ELF",
	  0, 4, IMAGE_ELF, "ELF" },
	{ "\x27\x05\x19\x56", 0, 4, IMAGE_UIMAGE, "uImage" },
	{ "\xd0\x0d\xfe\xed", 0, 4, IMAGE_TREE, "device tree" },
	{ "\x18\x28\x6f\x01", 36, 4, IMAGE_ZIMAGE, "32-bit" },
	{ "070701", 0, 6, IMAGE_CPIO, "ramdisk" },
	{ "\xfd"
	  "7zXZ",
	  0, 6, IMAGE_COMPRESSED, "not by gzip" },
	{ "BZh9", 0, 4, IMAGE_COMPRESSED, "not by gzip" },
	{ "\x1f\x8b\x08", 0, 3, IMAGE_GZIP, "damaged" },
	{ "", 0, 0, IMAGE_ZEROS, "zeros" },
	{ "hello", 0, 5, IMAGE_UNKNOWN, "viaduct,raw" },
};

static void a_file_that_is_no_kernel_is_named(void **state)
{
	uint8_t file[IMAGE_HEAD];

	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		memset(file, 0, sizeof(file));
		memcpy(file + files[i].at, files[i].begin, files[i].length);
		assert_int_equal(image_kind(file, 4096), files[i].kind);
		assert_non_null(strstr(image_advice(files[i].kind), files[i].advice));
	}
	memcpy(file, "MZ\0\0zimg", 8);
	assert_int_equal(image_kind(file, 7), IMAGE_EFI); /* cut before the second number */
	assert_int_equal(image_kind(file, 1), IMAGE_UNKNOWN);
	assert_int_equal(image_kind(file, 0), IMAGE_ZEROS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lays_out),
		cmocka_unit_test(inflates_what_was_deflated),
		cmocka_unit_test(every_kind_of_header_is_stepped_over),
		cmocka_unit_test(bad_files_are_refused),
		cmocka_unit_test(head_is_found_in_both_kinds),
		cmocka_unit_test(a_cut_gzip_is_damaged_whatever_its_last_bytes_say),
		cmocka_unit_test(a_file_that_is_no_kernel_is_named),
	};

	return cmocka_run_group_tests(tests, pack, NULL);
}
