#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Takes one mending out at a time, and shows that the attack that it stops then fails the suite.

Usage: tests/attack/mutations.py [ATTACK...]      slow: a build and a boot for each

Each row is a replacement in one source file. It is made in a copy of the tree under build/mutations, the
copy is built, and the attack runs there. A row whose text is not in the file any more is an error: it has
to follow the code.
"""
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COPY = os.path.join(ROOT, "build", "mutations")
MAKE_ARGS = []        # from the command line, CC=... for one

# What says why an attack was not contained, the best first.
REASONS = [r"ATTACK \w+: BROKE", r"^viaduct: error: (fault in EL2|stopped)", r"panic|ASSERT", r"\(neighbour\).*FAIL",
           r"PAYLOAD \w+: unexpected", r"forged", r"^viaduct: error: "]

# attack, gic, file, text, text without the mending
MUTATIONS = [
    ("memory_behind_the_tree", "3", "common/guest/guest_dt.c",
     "\tmemset((char *)buf + fdt_totalsize(buf), 0, size - fdt_totalsize(buf));\n", ""),
    ("user_thumb_at_a_device", "3", "arch/arm64/trap.c",
     "r->pc += esr & ESR_IL ? 4 : 2;", "r->pc += 4; (void)esr;"),
    ("user_thumb_at_a_device", "3", "arch/arm64/trap.c",
     "it = it & 7 ? (it & 0xe0) | (it << 1 & 0x1f) : 0;", "it &= 0xff;"),
    ("user_big_endian_at_a_device", "3", "arch/arm64/trap.c",
     "return __builtin_bswap64(value) >> (64 - 8 * size);", "return value & ~UINT64_C(0) >> (64 - 8 * size);"),
    ("clock_is_set_for_another_life", "3", "common/guest/life.c", "\t\tvrtc_reset(vm->vrtc);\n", "\t\t(void)vm;\n"),
    ("clock_watchdog_from_every_vcpu", "3", "common/guest/life.c", "\t\tvwatchdog_reset(vm->vwatchdog);\n", "\t\t(void)vm;\n"),
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
    ("console_forges_viaduct", "3", "drivers/serial/pump.c",
     "\tstage_character('\\r');\n\tstage_prefix(r);\n", "\tstage_character('\\r');\n"),
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
    ("pmu_counts_el2", "3", "arch/arm64/controls.c",
     "MDCR_HPMD | MDCR_HCCD | cpu_event_counters(c)", "cpu_event_counters(c)"),
    ("restart_with_dma_in_flight", "3", "common/guest/life.c",
     "\tif (vm->vpci)\n\t\tvpci_quiesce(vm->vpci);\n\tvgic_quiesce_lines(vm);", "\tvgic_quiesce_lines(vm);"),
    ("mmio_host_addresses", "3", "common/guest/build.c",
     "st = s2_map(&vm->cpu_s2, r->ipa, r->pa, r->size, S2_RAM);",
     "st = s2_map(&vm->cpu_s2, r->ipa, r->pa, r->size + 0x200000, S2_RAM);"),
    ("restart_seeds_tell_of_others", "3", "arch/arm64/start.c",
     "entropy_split(&entropy, &plan.guest[i].entropy);", "plan.guest[i].entropy = entropy;"),
    ("dma_to_bars", "3", "drivers/iommu/smmuv3/strtab.c",
     "FIELD(STE0_CONFIG, CONFIG_S2)", "FIELD(STE0_CONFIG, 4)"),
    ("psci_cpu_on_everywhere", "3", "common/vm/psci.c",
     "return index < vm->vcpu_count ? vm->vcpu[index] : NULL;", "return vm->vcpu[index % vm->vcpu_count];"),
    ("psci_cpu_on_from_two_vcpus", "3", "common/vm/psci.c",
     "if (!__atomic_compare_exchange_n(&t->state, &want, VCPU_CLAIMED, false, __ATOMIC_ACQUIRE,",
     "if (want == VCPU_ON && !__atomic_compare_exchange_n(&t->state, &want, VCPU_CLAIMED, false, __ATOMIC_ACQUIRE,"),
    ("restart_from_all_vcpus_at_once", "3", "common/guest/life.c",
     "if (!begin_stop(vm)) {", "if (!begin_stop(vm) && !self) {"),
    ("restart_while_vcpus_come_and_go", "3", "common/guest/life.c",
     "if (!stop_peers(self) && again) {", "if (!self && again) {"),
    ("restart_with_lpis_in_flight", "3", "common/guest/life.c",
     "\tif (vm->vits)\n\t\tvits_reset(vm->vits);\n", ""),
    ("restart_with_bars_in_the_way", "3", "common/guest/life.c",
     "\tif (vm->vpci)\n\t\tvpci_reset(vm->vpci);\n", ""),
    ("dma_with_bus_master_off", "3", "drivers/pci/device.c",
     "pci_cfg_write(f, PCI_COMMAND, 2, command);", "pci_cfg_write(f, PCI_COMMAND, 2, command | PCI_CMD_MASTER);"),
    ("dma_to_viaduct", "3", "drivers/iommu/smmuv3/strtab.c",
     "FIELD(STE0_CONFIG, CONFIG_S2)", "FIELD(STE0_CONFIG, 4)"),
    ("log_noise_then_containment", "3", "common/guest/faults.c",
     "log_spare(\"%s: DMA%s refused: %s\", source_name(s).text, where, f->reason);",
     "vm_log((struct vm *)(uintptr_t)s->vm, \"DMA%s refused: %s\", where, f->reason);"),
    ("gic_sgis_to_everybody", "3", "common/vgic/sgi.c",
     "\t\tif (first + i < vm->vcpu_count)\n\t\t\tsgi_send(cur, vm->vcpu[index_nospec(first + i, vm->vcpu_count)], sgi);",
     "\t\tsgi_send(cur, vm->vcpu[first + i], sgi);"),
    ("gic_sgi_of_v2_to_nobody", "2", "common/vgic/v2.c",
     "(uint32_t)field_get(SGIR_TARGETS, value) & all, all & ~self,",
     "(uint32_t)field_get(SGIR_TARGETS, value), all & ~self,"),
    ("gic_routes_to_nobody", "3", "common/vgic/line.c",
     "return index < vm->vcpu_count ? vm->vcpu[index_nospec(index, vm->vcpu_count)] : NULL;",
     "return vm->vcpu[index];"),
    ("gic_routes_to_nobody", "2", "common/vgic/line.c",
     "return index < vm->vcpu_count ? vm->vcpu[index_nospec(index, vm->vcpu_count)] : NULL;",
     "return vm->vcpu[index];"),
    ("its_numbers_beyond_every_bound", "3", "common/vgic/vits_cmd.c",
     "if (vintid < GIC_LPI_FIRST || vintid >> VITS_INTID_BITS)", "if (vintid < GIC_LPI_FIRST)"),
    ("its_queue_across_the_end_of_ram", "3", "common/vm/vm.c",
     "\tif (!vm_ram_pa(vm, from, size, &pa))\n\t\treturn HV_EINVAL;\n\twhile (size) {\n\t\tsize_t left;\n\t\tconst",
     "\tif (!vm_ram_pa(vm, from, 1, &pa))\n\t\treturn HV_EINVAL;\n\twhile (size) {\n\t\tsize_t left;\n\t\tconst"),
    ("its_queue_rewritten_while_read", "3", "common/vgic/vits_cmd.c",
     "event < dev->limit ? &dev->lpi[index_nospec(event, dev->limit)] :", "dev->limit ? &dev->lpi[event] :"),
    ("its_random_commands", "3", "common/vgic/lpi.c",
     "unlink(cpu_at(l, from.vcpu), from.slot, lpi);", "unlink(cpu_at(l, lpi->is.vcpu), lpi->is.prio / 8, lpi);"),
    ("its_commands_of_gicv4_and_unknown_ones", "3", "common/vgic/vits_cmd.c",
     "kind < ITS_CMD_KINDS ? needs[index_nospec(kind, ITS_CMD_KINDS)] : 0;", "needs[kind];"),
    ("its_devices_of_others", "3", "common/vgic/vits_cmd.c",
     "id < VITS_DEVS ? its->dev[index_nospec(id, VITS_DEVS)] : NULL;", "its->dev[id];"),
    ("user_calls_and_vectors", "3", "arch/arm64/controls.c",
     "ROW(CPTR_EL2, .value = 0x22ff | CPTR_TZ | CPTR_TSM)", "ROW(CPTR_EL2, .value = 0x22ff)"),
    ("pci_bars_over_one_another", "3", "vpci/bars.c",
     "} else if (held_by_other(f, bar, r, ALL_BARS)) {", "} else if (held_by_other(f, bar, r, ALL_BARS) && !r.base) {"),
    ("pci_messages_to_everywhere", "3", "vpci/msi.c",
     "pci_cfg_write(f->pf, at + 4, 4, (uint32_t)addr);",
     "pci_cfg_write(f->pf, at + 4, 4, f->shadow[DW(f->msi) + 1]);"),
    ("mmio_page_tables_in_devices", "3", "arch/arm64/controls.c",
     "HCR_SWIO | HCR_PTW |", "HCR_SWIO |"),
    ("flood_of_aborts", "3", "arch/arm64/controls.c", "HCR_FMO | HCR_IMO | HCR_AMO", "HCR_FMO | HCR_AMO"),
    ("sysreg_debug", "3", "arch/arm64/vcpu.c", "\treset_debug(c);\n", "\t(void)reset_debug;\n\t(void)c;\n"),
]


def copy_tree():
    shutil.rmtree(COPY, ignore_errors=True)
    files = subprocess.run(["git", "-C", ROOT, "ls-files"], check=True, stdout=subprocess.PIPE, text=True).stdout.split("\n")
    for name in filter(None, files):
        os.makedirs(os.path.join(COPY, os.path.dirname(name)), exist_ok=True)
        shutil.copy2(os.path.join(ROOT, name), os.path.join(COPY, name))
    for name in ("arch", "common", "drivers", "vpci", "guests"):        # only what is changed is built
        if os.path.isdir(os.path.join(ROOT, "build", name)):
            shutil.copytree(os.path.join(ROOT, "build", name), os.path.join(COPY, "build", name))


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


def reason(gic):
    """Of a run that failed: what attacker, neighbour or Viaduct said, the first that says why."""
    with open(os.path.join(COPY, "build", "boot-logs", f"attack-gic{gic}.log"), encoding="utf-8", errors="replace") as f:
        lines = [x.strip() for x in f]
    for pattern in REASONS:
        for line in lines:
            if re.search(pattern, line):
                return re.sub(r"^\((attacker|neighbour)\) (ATTACK|PAYLOAD) \w+: ", r"the \1: ", line)[:200]
    return "neither result nor end within the deadline; last line: " + [x for x in lines if x and x[0] != "#"][-1][:120]


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
                              f"contained and {gic}"], cwd=COPY, stdout=subprocess.DEVNULL, check=False,
                             env={"VIADUCT_ATTACK_SECONDS": "60", **os.environ, "VIADUCT_ATTACK": attack})
        result = ("SURVIVES", False) if run.returncode == 0 else (reason(gic), run.returncode == 1)
    shutil.copyfile(os.path.join(ROOT, name), os.path.join(COPY, name))
    return result


def excerpt(text):
    """A replacement on one line of a table."""
    return "`" + " ".join(text.split()).replace("|", "\\|") + "`" if text.strip() else "nothing"


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
        attack, gic, name, old, new = row
        print(f"| {attack} (GICv{gic}) | {name}: {excerpt(old)} | {excerpt(new)} | {excerpt(text)} |", flush=True)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
