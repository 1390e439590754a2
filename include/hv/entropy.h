/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets for Viaduct and its guests. A pool is a 256-bit key; what goes in and what comes out
 * passes through SHA-256, so nothing that a guest is told leads back to the key, to another
 * secret, or to what the same pool gave before or gives later:
 *
 *	mix:  key = H(1, key, data)
 *	get:  key = H(1, key, counter, RNDR); block n = H(2, key, n, label); key = H(3, key)
 *
 * SHA-256 and not a block or stream cipher: it takes input of any quality and length, its
 * one-wayness is the property wanted, and files can be checked with it as well.
 *
 * Each guest has a pool of its own, made from Viaduct's at boot: a restart takes no lock.
 */
#ifndef HV_ENTROPY_H
#define HV_ENTROPY_H

#include <hv/types.h>

struct entropy {
	uint8_t key[32];
	/* Something in it cannot be guessed; the counter alone can. */
	bool seeded;
};

/* Adds data to the pool. What it is worth the caller says in e->seeded. */
void entropy_mix(struct entropy *e, const void *data, size_t size);

/* Fills `out` with what only this pool, this label and this call give. */
void entropy_get(struct entropy *e, const char *label, void *out, size_t size);

/* Makes `child` a pool of its own, of which `parent` cannot tell any more what it gives. */
void entropy_split(struct entropy *parent, struct entropy *child);

#endif
