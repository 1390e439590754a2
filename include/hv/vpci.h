/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest's virtual PCIe host bridge: one segment, one flat bus 0, each assigned function behind a
 * table of rules (rules.c) that says for every bit of config space where it lives and who may
 * write it. BARs are mapped straight into the guest; MSI and MSI-X are Viaduct's.
 *
 * Locking: each function has a lock for its shadow; mappings take vm->config_lock inside it.
 */
#ifndef HV_VPCI_H
#define HV_VPCI_H

#include <hv/pci.h>
#include <hv/vm.h>

struct vpci_config {
	ipa_t ecam;         /* 1 MiB a bus; one bus */
	struct range mem32; /* IPA windows for BARs, PCI address == IPA */
	struct range mem64;
	ipa_t doorbell;     /* in the page that the guest has its MSIs go to; 0: none */
	ipa_t dma_doorbell; /* in the page that devices behind an IOMMU are told instead */
	/* Boot: maps pages of BARs that EL2 itself touches, Device, before they are touched. Pages
	 * may come more than once. NULL: they are mapped already. */
	void (*map)(struct range pa);
};

struct vpci_assignment {
	struct pci_func *func;
	uint8_t devfn;                              /* on the guest's bus 0 */
	bool multifunction;                         /* other functions in this slot */
	bool device_memory[PCI_BARS];               /* memory-type = "device" */
	bool raw_vendor_caps, raw_gaps, atomic_ops; /* as declared */
	uint8_t intx_pin;                           /* virtual pin 1..4, 0: none */
	uint32_t intx_virq;                         /* virtual INTID, 0: none */
	struct msi_block msi;                       /* count 0: no MSI */
	bool msi_direct; /* MSI-X table mapped straight through; event i is vector i of `msi` */
};

/* Stage-2 tables that the ECAM and all BARs can need at their worst places: for s2_init. */
struct s2_need vpci_table_need(const struct vpci_assignment *list, unsigned count);
/*
 * Boot: builds the bridge and the shadows of all functions, registers the emulators; sets vm->vpci.
 * After cpu_s2, the RAM list and the virtual ITS. Addresses that carry no mark (vm->emul[0]) answer
 * as the bridge's windows do: all ones inside, vm_unmapped outside.
 */
enum hv_status __must_check vpci_init(struct vm *vm, const struct vpci_config *cfg,
				      const struct vpci_assignment *list, unsigned count);
/* To the state a guest finds after power-on; devices quiet. */
void vpci_reset(struct vpci *v);
/* The state of functions may have changed behind its back: what is mapped follows. Own CPU. */
void vpci_look(struct vpci *v);
/* Bus master and everything off at guest end. */
void vpci_quiesce(struct vpci *v);

#endif
