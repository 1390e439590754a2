/* SPDX-License-Identifier: Apache-2.0 */
/* Pools of entropy: see hv/entropy.h. A pool has one user at a time. */
#include <string.h>

#include <arch/cpu.h>
#include <arch/time.h>
#include <hv/entropy.h>
#include <hv/sha256.h>

enum { ROLE_MIX = 1, ROLE_OUT, ROLE_NEXT };

#define STIR_WORDS 5 /* the counter, and 256 bits of RNDR where the CPU has it */

/*
 * H(role, key, number, data): role, key and number have a fixed length, so no two inputs are alike.
 */
static void hash(const struct entropy *e, uint8_t role, uint64_t number, const void *data,
		 size_t size, uint8_t out[SHA256_SIZE])
{
	struct sha256 s;

	sha256_init(&s);
	sha256_update(&s, &role, sizeof(role));
	sha256_update(&s, e->key, sizeof(e->key));
	sha256_update(&s, &number, sizeof(number));
	sha256_update(&s, data, size);
	sha256_final(&s, out);
}

void entropy_mix(struct entropy *e, const void *data, size_t size)
{
	hash(e, ROLE_MIX, size, data, size, e->key);
}

static void stir(struct entropy *e)
{
	uint64_t word[STIR_WORDS] = { arch_time_ticks() };

	for (unsigned i = 1; i < STIR_WORDS; i++)
		if (arch_cpu_random(&word[i]))
			e->seeded = true;
	entropy_mix(e, word, sizeof(word));
}

void entropy_get(struct entropy *e, const char *label, void *out, size_t size)
{
	uint8_t block[SHA256_SIZE], *to = out;

	stir(e);
	for (uint64_t n = 0; size; n++) {
		size_t piece = MIN(size, sizeof(block));

		hash(e, ROLE_OUT, n, label, strlen(label), block);
		memcpy(to, block, piece);
		to += piece;
		size -= piece;
	}
	hash(e, ROLE_NEXT, 0, NULL, 0, e->key);
}

void entropy_split(struct entropy *parent, struct entropy *child)
{
	entropy_get(parent, "pool", child->key, sizeof(child->key));
	child->seeded = parent->seeded;
}
