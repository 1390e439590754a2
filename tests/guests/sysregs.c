/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every system register encoding, op0 = 2 and 3: read, then written with what was read (or 0), by
 * instructions that are made here. A line for each that is not undefined both ways; what it may
 * be is decided by who reads the lines (tests/boot/test_sysregs.py).
 */
#include "rt.h"

const char payload_name[] = "sysregs";

#define PER_OP1 2048 /* CRn, CRm, op2 */
#define MSR     0xd5000000
#define MRS     0xd5200000
#define RET     0xd65f03c0

typedef u64 stub_fn(u64 value);

static u32 *code; /* PER_OP1 stubs of two instructions: x0 = value in and out */

static void make_stubs(u32 insn, u32 op0, u32 op1)
{
	for (u32 n = 0; n < PER_OP1; n++) {
		code[2 * n] = insn | op0 << 19 | op1 << 16 | n << 5;
		code[2 * n + 1] = RET;
	}
	for (u64 a = (u64)code; a < (u64)(code + 2 * PER_OP1); a += 16)
		__asm__ volatile("dc cvau, %0" : : "r"(a) : "memory");
	__asm__ volatile("dsb ish\n\tic iallu\n\tdsb ish\n\tisb" : : : "memory");
}

static u64 run(u32 n, u64 value, u64 *esr)
{
	stub_fn *stub = (stub_fn *)(u64)&code[2 * n];

	fault_arm();
	value = stub(value);
	*esr = fault_taken();
	return value;
}

static u64 values[PER_OP1], read_esr[PER_OP1];

static void try_all(u32 op0, u32 op1)
{
	make_stubs(MRS, op0, op1);
	for (u32 n = 0; n < PER_OP1; n++)
		values[n] = run(n, 0, &read_esr[n]);
	make_stubs(MSR, op0, op1);
	for (u32 n = 0; n < PER_OP1; n++) {
		u64 write_esr;

		run(n, read_esr[n] ? 0 : values[n], &write_esr);
		/* EC 0: undefined, as the architecture says it of what is not there. */
		if (read_esr[n] >> 26 || write_esr >> 26 || !read_esr[n] || !write_esr)
			report("reg S%u_%u_C%u_C%u_%u read=%s:%lx write=%s:%lx\n", op0, op1, n >> 7,
			       n >> 3 & 15, n & 7, read_esr[n] ? "esr" : "value",
			       read_esr[n] ? read_esr[n] : values[n], write_esr ? "esr" : "done",
			       write_esr);
	}
}

void payload_main(void)
{
	code = rt_alloc(2 * PER_OP1 * sizeof(*code), 4096);
	for (u32 op0 = 2; op0 < 4; op0++)
		for (u32 op1 = 0; op1 < 8; op1++)
			try_all(op0, op1);
	check(true, "all encodings");
}
