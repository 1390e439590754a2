/* SPDX-License-Identifier: Apache-2.0 */
/* Guest kernels: arm64 Image (Documentation/arch/arm64/booting), plain or gzip-compressed. */
#ifndef HV_IMAGE_H
#define HV_IMAGE_H

#include <hv/status.h>
#include <hv/types.h>

struct image_layout {
	uint64_t kernel;      /* IPA where the Image goes; also the entry point */
	uint64_t kernel_size; /* bytes in memory: image_size, at least the file's size */
	uint64_t initrd;      /* IPA; 0: none */
	uint64_t dtb;         /* IPA, 2 MiB aligned, 2 MiB long */
};

/*
 * Where kernel, ramdisk and device tree go in RAM [ram). `head` is the first 64 bytes of the
 * (decompressed) kernel, file_size its decompressed size. A kernel without the Image magic is
 * taken as a raw binary for the base of RAM. HV_EINVAL: bad header; HV_ENOMEM: does not fit. Pure.
 */
enum hv_status __must_check image_layout(const void *head, uint64_t file_size, uint64_t initrd_size,
					 struct range ram, struct image_layout *out);

/* True if the file begins as gzip does (RFC 1952 §2.3.1); the rest may be damaged. */
bool image_is_gzip(const void *data, size_t size);

/* A file that is read by pieces. `read`: false when the memory it is in answers with an error. */
struct image_file {
	const void *where; /* what `read` makes of it: an address, or a struct range of PA */
	uint64_t size;
	bool (*read)(const void *where, uint64_t offset, void *to, size_t size);
};

/*
 * A file at EL2 address `data`, `size` bytes long, which stays mapped and unchanged while it is
 * read. image_read_memory() is its reader and does not fail.
 */
bool image_read_memory(const void *where, uint64_t offset, void *to, size_t size);
static inline struct image_file image_in_memory(const void *data, uint64_t size)
{
	return (struct image_file){ data, size, image_read_memory };
}

/*
 * The kernel, decompressed if it is gzip, piece by piece: sink gets consecutive pieces. HV_EINVAL:
 * corrupt or cut; HV_EUNSUPP: not to be read; HV_ENOMEM: more than `limit` bytes. `work`:
 * IMAGE_WORK bytes, 64-byte aligned, the caller's own meanwhile: several CPUs may inflate at once.
 */
#define IMAGE_WORK  KIB(64)
#define IMAGE_PIECE KIB(16) /* of a file that is read; a gzip header is not longer */
typedef void image_sink_fn(void *arg, const void *piece, size_t size);
enum hv_status __must_check image_unpack(struct image_file file, uint64_t limit,
					 image_sink_fn *sink, void *arg, void *work);

/*
 * The first IMAGE_HEAD bytes of the kernel, decompressed (zero behind a shorter file), and its
 * decompressed size, of gzip modulo 2^32. HV_EINVAL: corrupt, or compressed and no Image inside (a
 * ramdisk, likely: raw binaries are not compressed). Boot CPU only.
 */
#define IMAGE_HEAD 64
enum hv_status __must_check image_head(const void *data, size_t size, void *head,
				       uint64_t *file_size);

/* What a kernel file looks like by its first bytes. */
enum image_kind {
	IMAGE_UNKNOWN, /* a raw binary, perhaps */
	IMAGE_ARM64,
	IMAGE_GZIP,
	IMAGE_ZBOOT,
	IMAGE_EFI,
	IMAGE_ELF,
	IMAGE_UIMAGE,
	IMAGE_TREE,
	IMAGE_ZIMAGE,
	IMAGE_CPIO,
	IMAGE_COMPRESSED, /* other than gzip */
	IMAGE_ZEROS,
};

/*
 * `head` is the file's beginning, `size` the file's size in bytes; at most IMAGE_HEAD are read.
 * Pure.
 */
enum image_kind image_kind(const uint8_t head[IMAGE_HEAD], size_t size);
/* For a file that is refused: "looks like ...; do ..." */
const char *image_advice(enum image_kind kind);

#endif
