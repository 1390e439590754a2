/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 against its published vectors, and what the pools made of it promise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <host.h>
#include <hv/entropy.h>
#include <hv/sha256.h>

static void expect_hash(const void *data, size_t size, unsigned times, const char *want)
{
	uint8_t out[SHA256_SIZE];
	struct sha256 s;
	char text[65];

	sha256_init(&s);
	while (times--)
		sha256_update(&s, data, size);
	sha256_final(&s, out);
	for (unsigned i = 0; i < SHA256_SIZE; i++)
		sprintf(text + 2 * i, "%02x", out[i]);
	assert_string_equal(text, want);
}

/* FIPS 180-4's examples (csrc.nist.gov), and NIST's CAVP short messages. */
static void published_vectors(void **state)
{
	static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	static const char four[] = "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
				   "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";

	expect_hash("", 0, 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	expect_hash("abc", 3, 1,
		    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	expect_hash(two_blocks, 56, 1,
		    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	expect_hash(four, 112, 1,
		    "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
	expect_hash("\xd3", 1, 1,
		    "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1");
	expect_hash("aaaaaaaaaa", 10, 100000,
		    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static struct entropy pool;

static int begin(void **state)
{
	memset(&pool, 0, sizeof(pool));
	entropy_mix(&pool, "seed", 4);
	host_random = 0;
	return 0;
}

static void a_label_and_a_call_give_what_no_other_gives(void **state)
{
	static uint8_t got[40][48];
	static const char *const labels[] = { "a", "b" };

	for (unsigned i = 0; i < 40; i++) {
		struct entropy copy = pool;

		/* Even with the clock standing still, as the pool itself moves on. */
		entropy_get(i < 20 ? &copy : &pool, labels[i & 1], got[i], sizeof(got[i]));
	}
	for (unsigned i = 0; i < 40; i++)
		for (unsigned o = 0; o < i; o++)
			for (unsigned at = 0; at < 48; at += 8)
				for (unsigned to = 0; to < 48; to += 8)
					assert_memory_not_equal(got[i] + at, got[o] + to, 8);
}

/* What was given is not in the pool any more, whoever reads it later. */
static void the_pool_forgets_what_it_gave(void **state)
{
	struct entropy before = pool;
	uint8_t out[64];

	entropy_get(&pool, "x", out, sizeof(out));
	assert_memory_not_equal(pool.key, before.key, 32);
	assert_memory_not_equal(pool.key, out, 32);
	assert_memory_not_equal(pool.key, out + 32, 32);
}

/* The construction, written out once more: a change of it is meant. */
static void the_construction_is_as_described(void **state)
{
	struct entropy e = { .key = { 1, 2, 3 } };
	uint8_t in[1 + 32 + 8 + 3] = { 1, 1, 2, 3 }, want[32];
	struct sha256 s;

	in[33] = 3;
	memcpy(in + 41, "abc", 3);
	sha256_init(&s);
	sha256_update(&s, in, sizeof(in));
	sha256_final(&s, want);
	entropy_mix(&e, "abc", 3);
	assert_memory_equal(e.key, want, 32);
}

static void children_know_nothing_of_each_other(void **state)
{
	struct entropy a, b, again;
	uint8_t x[8], y[8], z[8];

	again = pool;
	entropy_split(&pool, &a);
	entropy_split(&pool, &b);
	entropy_split(&again, &again);
	entropy_get(&a, "s", x, 8);
	entropy_get(&b, "s", y, 8);
	entropy_get(&pool, "s", z, 8);
	assert_memory_not_equal(x, y, 8);
	assert_memory_not_equal(x, z, 8);
	assert_memory_not_equal(y, z, 8);
	assert_false(a.seeded || b.seeded);
}

static void the_cpu_s_generator_counts_as_a_seed(void **state)
{
	struct entropy same = pool;
	uint8_t x[8], y[8];

	entropy_get(&pool, "s", x, 8);
	assert_false(pool.seeded);
	host_random = 4711;
	entropy_get(&same, "s", y, 8);
	assert_true(same.seeded);
	assert_memory_not_equal(x, y, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_vectors),
		cmocka_unit_test_setup(a_label_and_a_call_give_what_no_other_gives, begin),
		cmocka_unit_test_setup(the_pool_forgets_what_it_gave, begin),
		cmocka_unit_test_setup(the_construction_is_as_described, begin),
		cmocka_unit_test_setup(children_know_nothing_of_each_other, begin),
		cmocka_unit_test_setup(the_cpu_s_generator_counts_as_a_seed, begin),
	};

	return cmocka_run_group_tests_name("entropy", tests, NULL, NULL);
}
