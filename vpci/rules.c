/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every bit of a guest's config space is: data only. A bit that no mask names does not
 * exist: it reads 0 and cannot be written. What a write does besides, the hook, is in config.c.
 *
 * A new row has its name in enum cfg_row (vpci_priv.h), its masks here, and its place in config
 * space in caps.c: `kinds` says which capabilities a guest sees and with which rows, `layout` has
 * the rows of those that have several. test_vpci_config checks every row, test_vpci_caps every
 * capability, and the proof cfg_rules that only ROW_RAW lets a guest set a bit of the device.
 */
#include <spec/pci.h>
#include <spec/pci_caps.h>

#include "vpci_priv.h"

_Static_assert(MSI_ENABLE == PCI_MSI_ENABLE << 16 && MSI_MMC == PCI_MSI_MMC << 16 &&
		       MSI_64 == PCI_MSI_64 << 16 && MSI_PVM == PCI_MSI_PVM << 16,
	       "Message Control: the upper half of a dword, as spec/pci.h has it alone");

#define STATUS(bits) ((uint32_t)(bits) << 16)

const struct cfg_rule cfg_rules[ROW_COUNT] = {
	[ROW_BOOT] = { .boot = ~0u },
	[ROW_READ] = { .hw = ~0u },
	[ROW_RAW] = { .hw = ~0u, .rw = ~0u },
	[ROW_CAP] = { .boot = 0xffff0000 },
	[ROW_ECAP] = { .boot = ECAP_VERSION },

	/*
	 * COMMAND is shadow; the hook moves hardware. Withheld: I/O (no I/O windows), special
	 * cycles, MWI, parity, stepping, SERR# (a guest must not make the host see errors), fast
	 * back-to-back. The interrupt status bit is live: a driver polls it.
	 */
	[ROW_COMMAND] = { .hw = STATUS(STS_LIVE),
			  .rw = PCI_CMD_MEM | PCI_CMD_MASTER | PCI_CMD_INTX_OFF,
			  .w1c = STATUS(STS_ERRORS) },
	/* Cache line and latency do nothing on PCIe. BIST would run the device's own test: no. */
	[ROW_CACHELINE] = { .rw = 0xffff },
	[ROW_INTERRUPT] = { .rw = 0xff, .boot = 0xffff0000 },

	/* Sizing: the hook keeps the address bits below the size 0. */
	[ROW_BAR] = { .rw = ~PCI_BAR_MEM_FLAGS, .boot = PCI_BAR_TYPE_64 | PCI_BAR_PREFETCH },
	[ROW_BAR_HI] = { .rw = ~0u },

	/* No PME: nobody could take the wake-up. No D1 and D2: nothing gained, more states. */
	[ROW_PM] = { .boot = 0xffff0000 & ~(PMC_PME | PMC_D1_D2) },
	[ROW_PM_CSR] = { .rw = PCI_PM_STATE, .boot = PCI_PM_NO_SOFT_RESET },

	/*
	 * Integrated endpoint: no link, no slot; those registers do not exist (§7.5.3, fig. 7-26).
	 */
	[ROW_PCIE] = { .boot = EXP_CAPS_VERSION | EXP_CAPS_IRQ, .set = EXP_TYPE_RCIEP },
	/* MPS, L0s, L1, role-based errors, extended tags; no phantom functions: they would be
	 * requester IDs that no stream table entry covers. */
	[ROW_DEVCAP] = { .boot = PCI_EXP_DEVCAP_MPS | DEVCAP_EXT_TAG | DEVCAP_L0S_L1 |
				 DEVCAP_ROLES | PCI_EXP_DEVCAP_FLR },
	/*
	 * The hook writes the device: relaxed ordering and read request size (never below the
	 * physical MPS). Payload size and error reporting are Viaduct's, the guest has a copy.
	 * No snoop stays 0: DMA would bypass caches that the guest relies on. FLR never passes raw.
	 */
	[ROW_DEVCTL] = { .hw = STATUS(DEVSTA_LIVE),
			 .rw = PCI_EXP_DEVCTL_ERRORS | DEVCTL_RO | PCI_EXP_DEVCTL_MPS |
			       DEVCTL_MRRS | PCI_EXP_DEVCTL_FLR,
			 .w1c = STATUS(DEVSTA_ERRORS),
			 .boot = DEVCTL_RO | PCI_EXP_DEVCTL_MPS | DEVCTL_MRRS | DEVCTL_EXT_TAG |
				 PCI_EXP_DEVCTL_AUX },
	/* Completion timeout ranges and atomic completer; no ARI, LTR, OBFF, TPH, TLP prefixes. */
	[ROW_DEVCAP2] = { .boot = DEVCAP2_CTO | DEVCAP2_ATOMICS },
	[ROW_DEVCTL2] = { .rw = DEVCTL2_CTO | PCI_EXP_DEVCTL2_ATOMIC | DEVCTL2_IDO,
			  .boot = DEVCTL2_CTO | DEVCTL2_CTO_OFF | PCI_EXP_DEVCTL2_ATOMIC |
				  DEVCTL2_IDO },

	/* Address and data are the guest's copy: the device has Viaduct's. Messages on offer (MMC)
	 * are what was allocated. */
	[ROW_MSI_CTRL] = { .rw = MSI_ENABLE | MSI_MME, .boot = MSI_64 | MSI_PVM },
	[ROW_MSI_ADDR] = { .rw = 0xfffffffc },
	[ROW_MSI_ADDR_HI] = { .rw = ~0u },
	[ROW_MSI_DATA] = { .rw = 0xffff },
	[ROW_MSI_MASK] = { .rw = ~0u },

	/* Table size is what was allocated. */
	[ROW_MSIX] = { .rw = MSIX_ENABLE | MSIX_FUNC_MASK },

	/* The hook resets; the bit reads 0. */
	[ROW_AF_CTRL] = { .hw = AF_PENDING, .rw = PCI_AF_FLR },

	/*
	 * Masks and severities are the guest's copy, with the defaults of §7.8.4: a guest must not
	 * silence what the board's root ports see, nor choose what is fatal to it.
	 */
	[ROW_UNC_STATUS] = { .hw = ~0u, .w1c = AER_UNC_ALL },
	[ROW_UNC_MASK] = { .rw = AER_UNC_ALL, .set = AER_UNC_MASKED },
	[ROW_UNC_SEVERITY] = { .rw = AER_UNC_ALL, .set = AER_UNC_FATAL },
	[ROW_COR_STATUS] = { .hw = ~0u, .w1c = AER_COR_ALL },
	[ROW_COR_MASK] = { .rw = AER_COR_ALL, .set = AER_COR_MASKED },
};
