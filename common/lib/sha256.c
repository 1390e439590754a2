/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256: see hv/sha256.h. For size, not for speed: it hashes seeds, and small files at boot. */
#include <string.h>

#include <hv/sha256.h>

/* FIPS 180-4 §4.2.2: of the cube roots of the first 64 primes. */
static const uint32_t k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static uint32_t ror(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

static uint32_t load_be(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void store_be(uint8_t *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* §6.2.2 step 1; the 64 words of the schedule are made in place of the 16 of the block. */
static uint32_t schedule(uint32_t w[16], unsigned t)
{
	uint32_t w15 = w[(t + 1) & 15], w2 = w[(t + 14) & 15];

	if (t >= 16)
		w[t & 15] += (ror(w15, 7) ^ ror(w15, 18) ^ w15 >> 3) + w[(t + 9) & 15] +
			     (ror(w2, 17) ^ ror(w2, 19) ^ w2 >> 10);
	return w[t & 15];
}

/* §6.2.2 step 3: one round on a..h. */
static void round_step(uint32_t v[8], uint32_t constant, uint32_t word)
{
	uint32_t a = v[0], e = v[4];
	uint32_t ch = (e & v[5]) ^ (~e & v[6]), maj = (a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]);
	uint32_t t1 = v[7] + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) + ch + constant + word;
	uint32_t t2 = (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) + maj;

	memmove(&v[1], &v[0], 7 * sizeof(*v));
	v[4] += t1;
	v[0] = t1 + t2;
}

static void compress(struct sha256 *s)
{
	uint32_t w[16], v[8];

	for (unsigned i = 0; i < 16; i++)
		w[i] = load_be(s->block + 4 * i);
	memcpy(v, s->h, sizeof(v));
	for (unsigned t = 0; t < 64; t++)
		round_step(v, k[t], schedule(w, t));
	for (unsigned i = 0; i < 8; i++)
		s->h[i] += v[i];
}

void sha256_init(struct sha256 *s)
{
	/* §5.3.3: of the square roots of the first 8 primes. */
	*s = (struct sha256){ .h = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
				     0x9b05688c, 0x1f83d9ab, 0x5be0cd19 } };
}

void sha256_update(struct sha256 *s, const void *data, size_t size)
{
	const uint8_t *p = data;

	while (size--) {
		s->block[s->size++ % SHA256_BLOCK] = *p++;
		if (s->size % SHA256_BLOCK == 0)
			compress(s);
	}
}

/* §5.1.1: a one bit, zeros, and the length in bits in the last 8 bytes of a block. */
void sha256_final(struct sha256 *s, uint8_t out[SHA256_SIZE])
{
	static const uint8_t one = 0x80, zero;
	uint64_t bits = s->size * 8;
	uint8_t length[8];

	store_be(length, (uint32_t)(bits >> 32));
	store_be(length + 4, (uint32_t)bits);
	sha256_update(s, &one, 1);
	while (s->size % SHA256_BLOCK != SHA256_BLOCK - sizeof(length))
		sha256_update(s, &zero, 1);
	sha256_update(s, length, sizeof(length));
	for (unsigned i = 0; i < 8; i++)
		store_be(out + 4 * i, s->h[i]);
	*s = (struct sha256){ 0 };
}
