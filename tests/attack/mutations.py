#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Takes one mending out at a time, and shows that the attack that it stops then fails the suite.

Usage: tests/attack/mutations.py [ATTACK...]      slow: a build and a boot for each

Each row is a replacement in one source file. It is made in a copy of the tree under build/mutations, the
copy is built, and the attack runs there. A row whose text is not in the file any more is an error: it has
to follow the code.
"""
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COPY = os.path.join(ROOT, "build", "mutations")
MAKE_ARGS = []        # from the command line, CC=... for one

# attack, gic, file, text, text without the mending
MUTATIONS = [
    ("psci_cpu_on_everywhere", "3", "common/vm/psci.c",
     "if (entry & 3 || !vm_ram_pa(self->vm, IPA(entry), 4, &pa))", "if (!vm_ram_pa(self->vm, IPA(0x40000000), 4, &pa))"),
    ("restart_finds_old_memory", "3", "common/guest/load.c",
     "enum hv_status st = fill_pa(pa, NULL, size, self);", "enum hv_status st = HV_OK; (void)pa, (void)size, (void)self;"),
    ("restart_finds_old_registers", "3", "arch/arm64/vcpu.c", "\tsimd_reset();\n", ""),
    ("sysreg_ras", "3", "arch/arm64/idreg.c",
     "[TRAP_ERRORS] = { CONTROL_HCR_EL2, .bits = HCR_TERR }", "[TRAP_ERRORS] = { CONTROL_HCR_EL2, .bits = 0 }"),
    ("pci_bars_over_everything", "3", "vpci/bars.c", "if (!vpci_in_window(f->v, r.base, r.size)) {",
     "if (!vpci_in_window(f->v, r.base, r.size) && r.base == 1) {"),
    ("dma_to_the_neighbour", "3", "drivers/iommu/smmuv3/strtab.c",
     "FIELD(STE0_CONFIG, CONFIG_S2)", "FIELD(STE0_CONFIG, 4)"),
    ("console_forges_viaduct", "3", "drivers/serial/console.c",
     "\tstage('\\r');\n\tstage_prefix(r);\n", "\tstage('\\r');\n"),
    ("its_lpi_moved_then_discarded", "3", "common/vgic/lpi.c",
     "unlink(cpu_at(l, from.vcpu), from.slot, lpi);", "unlink(cpu_at(l, lpi->is.vcpu), lpi->is.prio / 8, lpi);"),
    ("its_numbers_beyond_every_bound", "3", "common/vgic/vits_cmd.c",
     "(need & REDIST && field_get(CMD2_RD, cmd->w[2]) >= vcpus)",
     "(need & REDIST && field_get(CMD2_RD, cmd->w[2]) > 0x10000 + vcpus)"),
    ("its_queue_outside_ram", "3", "common/vm/vm.c",
     "\tif (!vm_ram_pa(vm, from, size, &pa))\n\t\treturn HV_EINVAL;\n\twhile (size) {\n\t\tsize_t left;\n\t\tconst",
     "\tif (!vm_ram_pa(vm, from, size, &pa))\n\t\tpa = PA(from.v);\n\twhile (size) {\n\t\tsize_t left;\n\t\tconst"),
    ("mmio_without_a_syndrome", "3", "arch/arm64/trap.c",
     "if ((esr & (ISS_ISV | ISS_S1PTW | FSC_TYPE)) == (ISS_ISV | FSC_TRANSLATION)) {",
     "if ((esr & (ISS_S1PTW | FSC_TYPE)) == FSC_TRANSLATION) {"),
    ("sysreg_performance_counters", "3", "arch/arm64/idreg.c",
     ".bits = MDCR_TPM | MDCR_TPMCR | MDCR_HPMD", ".bits = MDCR_HPMD"),
    ("restart_with_dma_in_flight", "3", "common/guest/life.c",
     "\tif (vm->vpci)\n\t\tvpci_quiesce(vm->vpci);\n\tvgic_quiesce_lines(vm);", "\tvgic_quiesce_lines(vm);"),
    ("mmio_host_addresses", "3", "common/guest/build.c",
     "st = s2_map(&vm->cpu_s2, r->ipa, r->pa, r->size, S2_RAM);",
     "st = s2_map(&vm->cpu_s2, r->ipa, r->pa, r->size + 0x200000, S2_RAM);"),
    ("restart_seeds_tell_of_others", "3", "arch/arm64/start.c",
     "entropy_split(&entropy, &plan.guest[i].entropy);", "plan.guest[i].entropy = entropy;"),
    ("dma_to_bars", "3", "drivers/iommu/smmuv3/strtab.c",
     "FIELD(STE0_CONFIG, CONFIG_S2)", "FIELD(STE0_CONFIG, 4)"),
]


def copy_tree():
    shutil.rmtree(COPY, ignore_errors=True)
    files = subprocess.run(["git", "-C", ROOT, "ls-files"], check=True, stdout=subprocess.PIPE, text=True).stdout.split("\n")
    for name in filter(None, files):
        os.makedirs(os.path.join(COPY, os.path.dirname(name)), exist_ok=True)
        shutil.copy2(os.path.join(ROOT, name), os.path.join(COPY, name))


def replace(name, old, new):
    path = os.path.join(COPY, name)
    with open(path, encoding="utf-8") as f:
        text = f.read()
    if text.count(old) != 1:
        return f"{name}: {text.count(old)} times {old!r}"
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace(old, new))
    return None


def make(*what):
    return subprocess.run(["make", "-C", COPY, "-s", *what, *MAKE_ARGS], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)


def try_one(attack, gic, name, old, new):
    """What came out, and is it as it should be?"""
    stale = replace(name, old, new)
    if stale:
        return f"STALE {stale}", False
    built = make("build/viaduct", "guests")
    if built.returncode:
        result = f"does not build: {built.stdout[-400:]}", False
    else:
        run = subprocess.run(["/usr/bin/python3", "-m", "pytest", "-q", "-x", "tests/boot/test_attack.py", "-k",
                              f"contained and {gic}"], cwd=COPY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, check=False, env={**os.environ, "VIADUCT_ATTACK": attack})
        why = [x for x in run.stdout.split("\n") if x.startswith("E ")]
        result = (f"fails: {why[0][2:].strip()[:150]}" if why else run.stdout[-200:]), run.returncode == 1
        if run.returncode == 0:
            result = "SURVIVES", False
    shutil.copyfile(os.path.join(ROOT, name), os.path.join(COPY, name))
    return result


def main():
    MAKE_ARGS[:] = [a for a in sys.argv[1:] if "=" in a or a.startswith("-")]
    wanted = [a for a in sys.argv[1:] if a not in MAKE_ARGS]
    copy_tree()
    bad = 0
    for row in MUTATIONS:
        if wanted and row[0] not in wanted:
            continue
        text, ok = try_one(*row)
        bad += not ok
        print(f"{row[0]:36} without {row[2]}: {text}", flush=True)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
