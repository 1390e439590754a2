/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: accesses of a guest to config space, BARs and MSI-X tables, with a device that
 * loses state, goes silent and interrupts at will. libFuzzer's entry; the unit test feeds it random
 * bytes. A finding is a sanitizer report, a panic, an abort of an assertion, a retry without end, a
 * physical BAR that moved, or a write that reached what is hidden.
 */
#include <assert.h>
#include <string.h>

#include <host.h>
#include <spec/pci.h>

#include "../host/vpci_fakes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *at, *end;
};

static uint64_t take(struct input *in, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | (in->at < in->end ? *in->at++ : 0);
	return v;
}

static const uint8_t slots[] = { 0x08, 0x09, 0x10, 0x18 };

static void world(void)
{
	fake_begin();
	for (unsigned i = 0; i < sizeof(slots); i++) {
		struct fake_dev *d = fake_add(slots[i]);

		fake_bar(d, 2, 64 << i, 0x50000000 + 0x1000 * i, false);
		fake_bar(d, 3, KIB(8) << 4 * i, 0x60000000 + MIB(32) * i, i == 0);
		d->soft_reset = i & 1;
	}
	fakes[2].pf->msix_count = 2;
	fakes[2].pf->msix[MSIX_TABLE] = (struct pci_part){ 2, { 0, 2 * 16 } }; /* in a small BAR */
	fakes[3].reset_status = HV_ETIMEOUT;
	/* A longer extended list: virtual channel, resizable BAR, vendor, designated vendor. */
	fake_put(&fakes[1], 0x148, 4, 0x30010003);
	fake_put(&fakes[1], 0x300, 4, 0x34010002);
	fake_put(&fakes[1], 0x340, 4, 0x3801000b);
	fake_put(&fakes[1], 0x344, 4, 0x01000000);
	fake_put(&fakes[1], 0x380, 4, 0x00010023);
	fake_put(&fakes[1], 0x384, 4, 0x01000000);
	memset(&fakes[1].writable[0x300], 0xff, 0xd00);
	fake_as[1].raw_vendor_caps = true;
	fake_as[2].raw_gaps = true;
	fake_as[3].atomic_ops = true;
	fake_as[1].msi_direct = fake_as[2].msi_direct = true;
	fake_start();
}

static void device_acts(struct input *in)
{
	struct fake_dev *d = &fakes[take(in, 1) % sizeof(slots)];
	unsigned what = (unsigned)take(in, 1);

	switch (what % 4) {
	case 0:
		d->gone = what & 4;
		break;
	case 1:
		fake_put(d, PCI_STATUS, 2, (uint32_t)take(in, 2));
		break;
	case 2:
		host_time_advance(what * 100);
		break;
	default:
		if (d->pf->msix_count == 8)
			fake_irq(d, what / 4 % 8);
	}
}

/* A device that takes no config writes cannot be told either. */
static void quarantine(unsigned i)
{
	if (!fakes[i].gone)
		pci_quarantine(&pci_funcs[i]);
}

static void guest_acts(struct input *in, unsigned op)
{
	unsigned size = 1U << (op >> 2 & 3);
	uint64_t at, addr = take(in, 3);

	switch (op >> 4 & 3) {
	case 0: /* the assigned functions, half of it in their first 256 bytes */
		at = FAKE_ECAM + ((uint64_t)slots[addr >> 12 & 3] << 12) +
		     (addr & (addr >> 14 & 1 ? 0xff : 0xfff));
		break;
	case 1:
		at = FAKE_ECAM + (addr & (MIB(1) - 1));
		break;
	case 2:
		at = FAKE_MEM32 + (addr & (MIB(1) - 1));
		break;
	default:
		at = FAKE_MEM64 + (addr & (MIB(1) - 1));
	}
	at &= ~(uint64_t)(size - 1);
	if (op & 1)
		guest_write(at, size, take(in, size));
	else
		guest_read(at, size);
}

/* The ROM BAR, the ATS capability, and (without raw-gaps) what no capability claims. */
static void hidden_is_untouched(const struct fake_dev *d, bool raw_gaps)
{
	for (unsigned i = 0; i < 4; i++)
		assert(!d->touched[PCI_ROM + i] && !d->touched[0x134 + i]);
	for (unsigned off = 0x200; off < 0x204; off++)
		assert(raw_gaps || !d->touched[off]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };

	world();
	while (in.at < in.end) {
		unsigned op = (unsigned)take(&in, 1);

		if (op >= 0xf0)
			device_acts(&in);
		else if (op == 0xe0)
			vpci_quiesce(fake_vm.vpci);
		else if (op == 0xe1)
			fake_restart();
		else if (op == 0xe2)
			quarantine((unsigned)take(&in, 1) % pci_func_count);
		else if (op >= 0xc0) /* a well-formed placement: mappings happen */
			guest_place(slots[op & 3], op >> 2 & 3,
				    (op & 0x10 ? FAKE_MEM64 : FAKE_MEM32) +
					    (take(&in, 2) << 6 & 0xfffff));
		else if (op >= 0xb0)
			cfg_write(slots[op & 3], PCI_COMMAND, 2, op);
		else
			guest_acts(&in, op);
		for (unsigned i = 0; i < pci_func_count; i++)
			assert(pci_state(&pci_funcs[i]) != PCI_QUARANTINED ||
			       !(fake_get(&fakes[i], PCI_COMMAND, 2) & PCI_CMD_MASTER));
		host_trace_clear();
	}
	for (unsigned i = 0; i < pci_func_count; i++)
		hidden_is_untouched(&fakes[i], fake_as[i].raw_gaps);
	for (unsigned i = 0; i < pci_func_count; i++)
		for (unsigned b = 0; b < PCI_BARS; b++)
			assert(!(fakes[i].touched[PCI_BAR(b)] && !fakes[i].resets &&
				 !fakes[i].soft_reset));
	fake_end();
	return 0;
}
