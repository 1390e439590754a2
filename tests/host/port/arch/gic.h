/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Port: the GICv3 CPU interface and virtualization system registers (IHI 0069 §12.2, §12.4).
 */
#ifndef ARCH_GIC_H
#define ARCH_GIC_H

#include <stdint.h>

void arch_icc_init(void);            /* SRE, PMR, EOImode=1, group 1 on, for this CPU */
uint32_t arch_icc_iar1(void);        /* acknowledge; 1020..1023: nothing */
void arch_icc_eoir1(uint32_t intid); /* priority drop */
void arch_icc_dir(uint32_t intid);   /* deactivate */
void arch_icc_sgi1r(uint64_t value); /* DSB ISHST before, ISB after */

uint64_t arch_icc_ctlr(void);

uint64_t arch_ich_vtr(void);
uint64_t arch_ich_hcr(void);
void arch_ich_hcr_write(uint64_t v);
uint64_t arch_ich_vmcr(void);
uint64_t arch_ich_eisr(void);
uint64_t arch_ich_elrsr(void);
uint64_t arch_ich_lr(unsigned n);
void arch_ich_lr_write(unsigned n, uint64_t v);
void arch_ich_vmcr_reset(void); /* VMCR and all AP0R<n>, AP1R<n> to 0 */

#endif
