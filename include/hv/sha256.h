/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256, FIPS 180-4 §6.2: init, any number of updates, final. */
#ifndef HV_SHA256_H
#define HV_SHA256_H

#include <hv/types.h>

#define SHA256_SIZE  32
#define SHA256_BLOCK 64

struct sha256 {
	uint32_t h[8];
	uint64_t size; /* bytes so far */
	uint8_t block[SHA256_BLOCK];
};

/* The digest of all bytes that the updates between init and final gave. No allocation, any CPU. */
void sha256_init(struct sha256 *s);
void sha256_update(struct sha256 *s, const void *data, size_t size);
void sha256_final(struct sha256 *s, uint8_t out[SHA256_SIZE]);

#endif
