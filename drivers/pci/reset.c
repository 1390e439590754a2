/*
 * Quieting and resetting a function. Called at boot, and later by the CPU of the stopped guest
 * that owns it: every wait is bounded and holds up nobody else.
 */
#include <arch/time.h>
#include <hv/log.h>

#include "pci_priv.h"

#define DRAIN_US      100000	/* pending transactions: far above any completion timeout in use */
#define FLR_US	      100000	/* §6.6.2 */
#define PM_US	      10000	/* §5.9 */
#define BUS_HOLD_US   2000	/* §7.5.1.3.13: at least 1 ms */
#define BUS_US	      100000	/* §6.6.1 */
#define BUS_PCI_US    1100000	/* PCI 3.0 §4.3.2: 2^25 clocks of 33 MHz */
#define LINK_US	      1000000
#define READY_US      60000000
#define READY_SLOW_US 1000000

static uint32_t rd(const struct pci_func *f, unsigned cap, unsigned reg, uint8_t size)
{
	return pci_cfg_read(f, (uint16_t)(cap + reg), size);
}

static void wr(const struct pci_func *f, unsigned cap, unsigned reg, uint8_t size, uint32_t v)
{
	pci_cfg_write(f, (uint16_t)(cap + reg), size, v);
}

void pci_quiesce(const struct pci_func *f)
{
	/* Master first: with it go DMA and MSI alike. */
	pci_cfg_write(f, PCI_COMMAND, 2, PCI_CMD_INTX_OFF);
	if (f->cap_msi)
		wr(f, f->cap_msi, PCI_MSI_CTRL, 2,
		   rd(f, f->cap_msi, PCI_MSI_CTRL, 2) & ~PCI_MSI_ENABLE);
	if (f->cap_msix)
		wr(f, f->cap_msix, PCI_MSIX_CTRL, 2,
		   rd(f, f->cap_msix, PCI_MSIX_CTRL, 2) & ~PCI_MSIX_ENABLE);
	/* What it had sent is ahead of this completion (§2.4.1), and the writes are done. */
	(void)pci_cfg_read(f, PCI_COMMAND, 2);
}

static bool pending(const struct pci_func *f)
{
	if (f->cap_pcie)
		return rd(f, f->cap_pcie, PCI_EXP_DEVSTA, 2) & PCI_EXP_DEVSTA_PENDING;
	if (f->cap_af)
		return rd(f, f->cap_af, PCI_AF_STATUS, 1) & PCI_AF_PENDING;
	return false;
}

bool pci_drain(const struct pci_func *f)
{
	uint32_t step = 100;

	for (uint32_t waited = 0; pending(f); waited += step, step *= 2) {
		if (waited >= DRAIN_US)
			return false;
		pci_delay(step);
	}
	return true;
}

/* A reset of the bus below its bridge hits this function and nobody else. */
static bool is_alone(const struct pci_func *f)
{
	if (!f->parent || f->bridge)
		return false;
	for (unsigned i = 0; i < pci_func_count; i++)
		if (&pci_funcs[i] != f && pci_funcs[i].parent == f->parent)
			return false;
	return true;
}

static void reset_flr(const struct pci_func *f)
{
	wr(f, f->cap_pcie, PCI_EXP_DEVCTL, 2, f->devctl | PCI_EXP_DEVCTL_FLR);
	pci_delay(FLR_US);
}

static void reset_af(const struct pci_func *f)
{
	wr(f, f->cap_af, PCI_AF_CTRL, 1, PCI_AF_FLR);
	pci_delay(FLR_US);
}

static void reset_pm(const struct pci_func *f)
{
	wr(f, f->cap_pm, PCI_PM_CSR, 2, PCI_PM_D3HOT);
	pci_delay(PM_US);
	wr(f, f->cap_pm, PCI_PM_CSR, 2, PCI_PM_PME_STATUS);
	pci_delay(PM_US);
}

/* Ports that report their link: until it is up again. */
static void wait_link(const struct pci_func *port)
{
	uint32_t step = 1000;

	if (!(rd(port, port->cap_pcie, PCI_EXP_LNKCAP, 4) & PCI_EXP_LNKCAP_ACTIVE))
		return;
	for (uint32_t waited = 0; waited < LINK_US; waited += step) {
		if (rd(port, port->cap_pcie, PCI_EXP_LNKSTA, 2) & PCI_EXP_LNKSTA_ACTIVE)
			return;
		pci_delay(step);
	}
}

static void reset_bus(const struct pci_func *f)
{
	const struct pci_func *b = f->parent;
	bool port = pci_is_type(b, PCI_EXP_ROOT_PORT) || pci_is_type(b, PCI_EXP_DOWNSTREAM);

	pci_cfg_write(b, PCI_BRIDGE_CTRL, 2, PCI_BRIDGE_BUS_RESET);
	(void)pci_cfg_read(b, PCI_BRIDGE_CTRL, 2);
	pci_delay(BUS_HOLD_US);
	pci_cfg_write(b, PCI_BRIDGE_CTRL, 2, 0);
	(void)pci_cfg_read(b, PCI_BRIDGE_CTRL, 2);
	if (port)
		wait_link(b);
	pci_delay(port ? BUS_US : BUS_PCI_US);
}

struct method {
	const char *name;
	void (*reset)(const struct pci_func *f);
};

static const struct method *method_of(const struct pci_func *f)
{
	static const struct method flr = { "FLR", reset_flr }, af = { "AF", reset_af },
				   pm = { "PM", reset_pm }, bus = { "bus", reset_bus };

	if (f->bridge || f->header_type)
		return NULL;
	if (f->flr)
		return &flr;
	if (f->af_flr)
		return &af;
	if (f->cap_pm && f->pm_reset)
		return &pm;
	return is_alone(f) ? &bus : NULL;
}

const char *pci_reset_method(const struct pci_func *f)
{
	const struct method *m = method_of(f);

	return m ? m->name : NULL;
}

/* The ID is the captured one again. Not ready reads as RRS (§2.3.2) or as all ones. */
static enum hv_status wait_ready(const struct pci_func *f)
{
	uint32_t want = f->vendor | (uint32_t)f->device << 16, step = 1000, waited = 0, id;
	char name[16];

	for (;;) {
		id = pci_cfg_read(f, PCI_ID, 4);
		if (id != UINT32_MAX && (id & 0xffff) != PCI_VENDOR_RRS)
			return id == want ? HV_OK : HV_ECONFLICT;
		if (waited >= READY_US)
			return HV_ETIMEOUT;
		if (waited < READY_SLOW_US && waited + step >= READY_SLOW_US)
			log_warn("pci: %s: slow to come back from reset", pci_name(f, name));
		pci_delay(step);
		waited += step;
		step = MIN(2 * step, 1000000u);
	}
}

/* As boot left it: quiet, D0, BARs in place. */
static enum hv_status restore(const struct pci_func *f)
{
	if (f->cap_pm)
		wr(f, f->cap_pm, PCI_PM_CSR, 2, PCI_PM_PME_STATUS);
	pci_quiesce(f);
	if (!bars_unchanged(f))
		return HV_ECONFLICT;
	if (!f->host->probe_only)
		bars_write(f);
	fabric_restore(f);
	return HV_OK;
}

enum hv_status pci_reset(struct pci_func *f)
{
	const struct method *m = method_of(f);
	enum hv_status s;
	char name[16];

	if (pci_cfg_read(f, PCI_ID, 4) == UINT32_MAX) { /* unplugged: nothing to wait for */
		log_warn("pci: %s: does not answer any more", pci_name(f, name));
		return HV_ETIMEOUT;
	}
	if (f->cap_pm && rd(f, f->cap_pm, PCI_PM_CSR, 2) & PCI_PM_STATE) {
		wr(f, f->cap_pm, PCI_PM_CSR, 2, PCI_PM_PME_STATUS);
		pci_delay(PM_US);
	}
	pci_quiesce(f);
	if (!pci_drain(f))
		log_warn("pci: %s: transactions still pending before reset", pci_name(f, name));
	if (m)
		m->reset(f);
	s = wait_ready(f);
	if (s == HV_OK)
		s = restore(f);
	if (s != HV_OK)
		log_warn("pci: %s: did not come back from %s reset as it was", pci_name(f, name),
			 m ? m->name : "no");
	return s == HV_OK && !m ? HV_EUNSUPP : s;
}
