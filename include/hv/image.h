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
	bool gzip;
};

/*
 * Where kernel, ramdisk and device tree go in RAM [ram). `head` is the first 64 bytes of the
 * (decompressed) kernel, file_size its decompressed size. A kernel without the Image magic is
 * taken as a raw binary for the base of RAM. HV_EINVAL: bad header; HV_ENOMEM: does not fit.
 */
enum hv_status __must_check image_layout(const void *head, uint64_t file_size, uint64_t initrd_size,
					 struct range ram, struct image_layout *out);

bool image_is_gzip(const void *data, size_t size);
/* ISIZE of a gzip file: decompressed size modulo 2^32 (RFC 1952 §2.3.1). */
uint32_t image_gzip_size(const void *data, size_t size);

/*
 * Decompress what image_is_gzip() said yes to, piece by piece: sink gets consecutive pieces. work
 * is aligned and has at least 64 KiB. HV_EINVAL: corrupt or cut; HV_ENOMEM: more than `limit` bytes.
 */
typedef void image_sink_fn(void *arg, const void *piece, size_t size);
enum hv_status __must_check image_inflate(const void *data, size_t size, uint64_t limit,
					  image_sink_fn *sink, void *arg, void *work,
					  size_t work_size);

/*
 * The first IMAGE_HEAD bytes of the kernel, decompressed (zero behind a shorter file), and its
 * decompressed size. `work` is only for gzip. HV_EINVAL: corrupt, or compressed and no Image
 * inside (a ramdisk, likely: raw binaries are not compressed).
 */
#define IMAGE_HEAD 64
enum hv_status __must_check image_head(const void *data, size_t size, void *work, size_t work_size,
				       void *head, uint64_t *file_size);

#endif
