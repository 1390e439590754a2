# SPDX-License-Identifier: Apache-2.0
"""Every system register of EL1 and EL0 as a guest finds it, on each kind of CPU.

The payload reads and writes each encoding with op0 = 2 and 3. What answers must be in the lists below,
each with what it may say; everything else must be undefined: whatever a CPU has beyond the lists is hidden.
"""
import re

import pytest

import viaduct_qemu as vq
from payloads import assert_ok, guest, payload_lines
from test_restart import diary

CPUS = ["cortex-a53", "cortex-a72", "cortex-a76", "cortex-a710", "neoverse-n1", "neoverse-v1", "max"]

UNDEF, IDST = 0, 0x18       # exception classes: undefined; FEAT_IDST's form of it in the ID space
SVE_TRAP, SME_TRAP = 0x19, 0x1d     # the guest's own CPACR_EL1 is asked first

# Read and written: state of EL1 and EL0 that the guest owns, reset with each life.
OWN = {
    "S3_0_C1_C0_0": "SCTLR_EL1", "S3_0_C1_C0_2": "CPACR_EL1", "S3_0_C2_C0_0": "TTBR0_EL1", "S3_0_C2_C0_1": "TTBR1_EL1",
    "S3_0_C2_C0_2": "TCR_EL1", "S3_0_C4_C0_0": "SPSR_EL1", "S3_0_C4_C0_1": "ELR_EL1", "S3_0_C4_C1_0": "SP_EL0",
    "S3_0_C4_C2_0": "SPSel", "S3_0_C4_C2_3": "PAN", "S3_0_C4_C2_4": "UAO", "S3_0_C5_C1_0": "AFSR0_EL1",
    "S3_0_C5_C1_1": "AFSR1_EL1", "S3_0_C5_C2_0": "ESR_EL1", "S3_0_C6_C0_0": "FAR_EL1", "S3_0_C7_C4_0": "PAR_EL1",
    "S3_0_C10_C2_0": "MAIR_EL1", "S3_0_C10_C3_0": "AMAIR_EL1", "S3_0_C12_C0_0": "VBAR_EL1",
    "S3_0_C13_C0_1": "CONTEXTIDR_EL1", "S3_0_C13_C0_4": "TPIDR_EL1", "S3_0_C14_C1_0": "CNTKCTL_EL1",
    "S3_2_C0_C0_0": "CSSELR_EL1", "S3_3_C4_C2_0": "NZCV", "S3_3_C4_C2_1": "DAIF", "S3_3_C4_C2_5": "DIT",
    "S3_3_C4_C2_6": "SSBS", "S3_3_C4_C4_0": "FPCR", "S3_3_C4_C4_1": "FPSR", "S3_3_C13_C0_2": "TPIDR_EL0",
    "S3_3_C13_C0_3": "TPIDRRO_EL0", "S3_3_C14_C2_0": "CNTP_TVAL_EL0", "S3_3_C14_C2_1": "CNTP_CTL_EL0",
    "S3_3_C14_C2_2": "CNTP_CVAL_EL0", "S3_3_C14_C3_0": "CNTV_TVAL_EL0", "S3_3_C14_C3_1": "CNTV_CTL_EL0",
    "S3_3_C14_C3_2": "CNTV_CVAL_EL0",
    # MTE is hidden and its tags do not exist (HCR_EL2.ATA); the bit of PSTATE does nothing then.
    "S3_3_C4_C2_7": "TCO",
    "S3_0_C13_C0_7": "SCXTNUM_EL1", "S3_3_C13_C0_7": "SCXTNUM_EL0",
    # RAS is hidden, and this one is virtual: VDISR_EL2.
    "S3_0_C12_C1_1": "DISR_EL1",
    **{f"S3_0_C2_C{crm}_{op2}": "pointer authentication key"
       for crm, last in ((1, 3), (2, 3), (3, 1)) for op2 in range(last + 1)},
    # Debug: vCPUs are pinned, so breakpoints, watchpoints and the communications channel are the guest's.
    "S2_0_C0_C0_2": "OSDTRRX_EL1", "S2_0_C0_C2_0": "MDCCINT_EL1", "S2_0_C0_C2_2": "MDSCR_EL1",
    "S2_0_C0_C3_2": "OSDTRTX_EL1", "S2_0_C0_C6_2": "OSECCR_EL1", "S2_0_C1_C3_4": "OSDLR_EL1",
    "S2_0_C7_C8_6": "DBGCLAIMSET_EL1", "S2_0_C7_C9_6": "DBGCLAIMCLR_EL1", "S2_3_C0_C4_0": "DBGDTR_EL0",
    "S2_3_C0_C5_0": "DBGDTRRX_EL0 and DBGDTRTX_EL0",
    **{f"S2_0_C0_C{n}_{op2}": "breakpoint or watchpoint" for n in range(16) for op2 in (4, 5, 6, 7)},
    # The performance monitors; which of the event counters there are, PMCR_EL0 says.
    "S3_3_C9_C12_0": "PMCR_EL0", "S3_3_C9_C12_1": "PMCNTENSET_EL0", "S3_3_C9_C12_2": "PMCNTENCLR_EL0",
    "S3_3_C9_C12_3": "PMOVSCLR_EL0", "S3_3_C9_C12_5": "PMSELR_EL0", "S3_3_C9_C13_0": "PMCCNTR_EL0",
    "S3_3_C9_C13_1": "PMXEVTYPER_EL0", "S3_3_C9_C13_2": "PMXEVCNTR_EL0", "S3_3_C9_C14_0": "PMUSERENR_EL0",
    "S3_3_C9_C14_3": "PMOVSSET_EL0", "S3_0_C9_C14_1": "PMINTENSET_EL1", "S3_0_C9_C14_2": "PMINTENCLR_EL1",
    **{f"S3_3_C14_C{crm}_{op2}": "PMEVCNTR, PMEVTYPER, PMCCFILTR" for crm in range(8, 16) for op2 in range(8)
       if (crm, op2) != (11, 7)},
    # The virtual CPU interface (ICV_*).
    "S3_0_C4_C6_0": "ICC_PMR_EL1", "S3_0_C12_C8_3": "ICC_BPR0_EL1", "S3_0_C12_C8_4": "ICC_AP0R0_EL1",
    "S3_0_C12_C9_0": "ICC_AP1R0_EL1", "S3_0_C12_C12_3": "ICC_BPR1_EL1", "S3_0_C12_C12_4": "ICC_CTLR_EL1",
    "S3_0_C12_C12_6": "ICC_IGRPEN0_EL1", "S3_0_C12_C12_7": "ICC_IGRPEN1_EL1",
}
# Read and written: always this value.
FIXED = {"S3_0_C1_C0_1": ("ACTLR_EL1", 0), "S3_0_C12_C12_5": ("ICC_SRE_EL1", 7)}
# Read only, any value: what the CPU is, and what changes by itself.
READ_ONLY = {
    "S3_0_C0_C0_0": "MIDR_EL1", "S3_0_C0_C0_6": "REVIDR_EL1", "S3_1_C0_C0_0": "CCSIDR_EL1", "S3_1_C0_C0_1": "CLIDR_EL1",
    "S3_1_C0_C0_2": "CCSIDR2_EL1", "S3_1_C0_C0_7": "AIDR_EL1", "S3_3_C0_C0_1": "CTR_EL0", "S3_3_C0_C0_7": "DCZID_EL0",
    "S3_0_C4_C2_2": "CurrentEL", "S3_0_C12_C1_0": "ISR_EL1", "S3_3_C2_C4_0": "RNDR", "S3_3_C2_C4_1": "RNDRRS",
    "S3_3_C14_C0_0": "CNTFRQ_EL0", "S3_3_C14_C0_1": "CNTPCT_EL0", "S3_3_C14_C0_2": "CNTVCT_EL0",
    "S3_3_C14_C0_5": "CNTPCTSS_EL0", "S3_3_C14_C0_6": "CNTVCTSS_EL0", "S2_0_C1_C0_0": "MDRAR_EL1",
    "S2_0_C1_C1_4": "OSLSR_EL1", "S2_3_C0_C1_0": "MDCCSR_EL0", "S3_0_C12_C8_0": "ICC_IAR0_EL1",
    "S3_0_C12_C8_2": "ICC_HPPIR0_EL1", "S3_0_C12_C9_5": "ICC_NMIAR1_EL1", "S3_0_C12_C11_3": "ICC_RPR_EL1",
    "S3_0_C12_C12_0": "ICC_IAR1_EL1", "S3_0_C12_C12_2": "ICC_HPPIR1_EL1",
    "S3_3_C9_C12_6": "PMCEID0_EL0", "S3_3_C9_C12_7": "PMCEID1_EL0", "S3_0_C9_C14_6": "PMMIR_EL1",
    # NMIs are hidden; reading the mask does not trap, writing it does.
    "S3_0_C4_C3_0": "ALLINT",
}
WRITE_ONLY = {
    "S2_0_C1_C0_4": "OSLAR_EL1", "S3_0_C12_C8_1": "ICC_EOIR0_EL1", "S3_0_C12_C11_1": "ICC_DIR_EL1",
    "S3_0_C12_C11_5": "ICC_SGI1R_EL1", "S3_0_C12_C11_6": "ICC_ASGI1R_EL1", "S3_0_C12_C11_7": "ICC_SGI0R_EL1",
    "S3_0_C12_C12_1": "ICC_EOIR1_EL1", "S3_3_C9_C12_4": "PMSWINC_EL0",
}
PMU = re.compile(r"S3_[03]_C9_C1[234]_\d|S3_3_C14_C(8|9|1\d)_\d")
# AArch64 ID registers: the bits that may be set at all, 15 a field or less. Those not listed are 0.
ID = {
    "S3_0_C0_C4_0": ("ID_AA64PFR0_EL1", 0x13010000_01ff0013),   # EL0 EL1 FP AdvSIMD GIC DIT CSV2 CSV3
    "S3_0_C0_C4_1": ("ID_AA64PFR1_EL1", 0x33),                  # BT SSBS
    "S3_0_C0_C5_0": ("ID_AA64DFR0_EL1", 0x000000f0_f0f0ff0f),   # DebugVer PMUVer BRPs WRPs CTX_CMPs DoubleLock
    "S3_0_C0_C6_0": ("ID_AA64ISAR0_EL1", 0x13311111_10313130),
    "S3_0_C0_C6_1": ("ID_AA64ISAR1_EL1", 0x00111111_11317773),
    "S3_0_C0_C6_2": ("ID_AA64ISAR2_EL1", 0x00110000_11117113),
    "S3_0_C0_C7_0": ("ID_AA64MMFR0_EL1", 0x10001000_ff110137),
    "S3_0_C0_C7_1": ("ID_AA64MMFR1_EL1", 0x10011010_00303003),
    "S3_0_C0_C7_2": ("ID_AA64MMFR2_EL1", 0x10310011_10110111),
}
MPIDR = "S3_0_C0_C0_5"
AARCH32_ID = re.compile(r"S3_0_C0_C[123]_\d")
NO_AARCH32_PMU = {"S3_0_C0_C1_2", "S3_0_C0_C1_3"}    # ID_DFR0, ID_AFR0
ID_SPACE = re.compile(r"S3_[013]_C0_C[0-7]_\d")

# What each CPU has in QEMU and a guest must be shown: it is no use to hide everything.
SHOWN = {
    "cortex-a72": {"S3_0_C0_C4_0": 0x01000012, "S3_0_C0_C6_0": 0x11120},
    "max": {"S3_0_C0_C4_1": 0x21, "S3_0_C0_C6_2": 0x10000},      # BTI, SSBS; MOPS
}


def parse(lines):
    found = (re.match(r"reg (\S+) read=(\w+):(\w+) write=(\w+):(\w+)$", x) for x in lines)
    return {m[1]: ((m[2] == "value", int(m[3], 16)), (m[4] == "done", int(m[5], 16))) for m in found if m}


def is_undefined(name, esr):
    ec = esr >> 26
    return ec == UNDEF or (ec == IDST and ID_SPACE.fullmatch(name)) or \
        (name == "S3_0_C1_C2_0" and ec == SVE_TRAP) or (name in ("S3_0_C1_C2_6", "S3_3_C4_C2_2") and ec == SME_TRAP)


def may_be(name, value):
    """None: a guest may read this value there; else why not."""
    if name in OWN or name in READ_ONLY:
        return None
    if name in FIXED:
        return None if value == FIXED[name][1] else f"{FIXED[name][0]} is {value:#x}"
    if name == MPIDR:
        return None if value == 1 << 31 else "MPIDR_EL1 is not that of vCPU 0"
    if name in ID:
        return None if not value & ~ID[name][1] else f"{ID[name][0]} shows {value & ~ID[name][1]:#x}"
    if AARCH32_ID.fullmatch(name) and name not in NO_AARCH32_PMU:
        return None
    if re.fullmatch(r"S3_0_C0_C[0-7]_\d", name):
        return None if value == 0 else f"an ID register that is not listed is {value:#x}"
    return f"is read as {value:#x}"


@pytest.mark.parametrize("pmu", ["auto", "off"])
@pytest.mark.parametrize("cpu", CPUS)
def test_every_encoding(cpu, pmu):
    g = guest("g", "sysregs", properties={"pmu": f'"{pmu}"'})
    with vq.Machine(f"sysregs-{cpu}-{pmu}", cpu=cpu, smp=1).start([g], timeout=60) as run:
        run.wait()
    regs = parse(assert_ok(run, "g", "sysregs"))
    monitors = [x for x in regs if PMU.fullmatch(x)]
    version = regs["S3_0_C0_C5_0"][0][1] >> 8 & 15
    assert (len(monitors) >= 26 and version) if pmu == "auto" else not monitors and not version, (monitors, version)
    assert len(regs) > 140 and "S3_0_C0_C0_0" in regs
    wrong = []
    for name, ((is_read, value), (is_written, esr)) in regs.items():
        why = may_be(name, value) if is_read else None
        if not is_read and not is_undefined(name, value):
            why = f"reading ends with ESR {value:#x}"
        elif is_written and name not in OWN and name not in FIXED and name not in WRITE_ONLY:
            why = "can be written"
        elif not is_written and not is_undefined(name, esr):
            why = f"writing ends with ESR {esr:#x}"
        if why:
            wrong.append(f"{name}: {why}")
    assert not wrong, "\n".join(wrong)
    for name, bits in SHOWN.get(cpu, {}).items():
        assert regs[name][0][1] & bits == bits, f"{name} shows {regs[name][0][1]:#x}"
    assert not run.find("withholds"), run.tail()


@pytest.mark.parametrize("cpu", ["cortex-a72", "max"])
def test_no_state_of_an_earlier_life(cpu):
    g = guest("g", "state", cpus=2, extra=diary("state"))
    with vq.Machine(f"state-{cpu}", cpu=cpu, smp=2).start([g], timeout=60) as run:
        run.wait()
    lines = assert_ok(run, "g", "state")
    assert "life=1" in lines and "life=2" in lines and [x for x in lines if x.startswith("first simd")], lines
    assert len([x for x in lines if x.startswith("cpu-on simd")]) == 2 * 3, lines
    assert len([x for x in payload_lines(run, "g", "state") if x.startswith("restart simd")]) == 2, lines
