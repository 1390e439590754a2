#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Costs of Viaduct, counted in instructions on QEMU, against its budgets; and those of its peers.

Usage: tools/bench.py [-v]      (make bench)

With -icount shift=0 the guest's 1 GHz counter (-cpu max) counts one tick an instruction, exactly
and repeatably. tests/guests/bench.c measures from inside the guest. The boot is measured with
one CPU: CNTPCT_EL0 is 0 at reset, so what the guest reads with its first instruction is everything
before it.
Copying, inflating and scrubbing depend on the guest's size; Viaduct counts them and they are taken
off. The exit status is 1 when a budget is exceeded or a number is missing.

The peers' costs are of another benchmark, the arm64 micro-benchmark of kvm-unit-tests, which counts
the instructions of both CPUs. They stand in a table of their own, beside what the same benchmark
gives on Viaduct. A figure of one benchmark says nothing about a figure of the other.
"""
import argparse
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "qemu"))

import viaduct_qemu as vq  # noqa: E402

BENCH = f"{vq.BUILD}/guests/bench.bin"

# operation: what it is, and its budget. None: no budget.
OPERATIONS = {
    "hypercall-unknown": ("hypercall, unknown function", 120),
    "psci-version": ("hypercall, PSCI_VERSION", 130),
    "gicd-iidr": ("GICD_IIDR read", 240),
    "gicd-isenabler": ("GICD_ISENABLER read", 240),
    "gicd-ipriorityr": ("GICD_IPRIORITYR read", 240),
    "gicd-ipriorityr-byte": ("GICD_IPRIORITYR byte read", 240),
    "gicr-typer": ("GICR_TYPER read, 64 bits", None),
    "eoi": ("EOI, no exit", None),
    "sgi-self": ("SGI to itself and its handler", None),
    "vtimer": ("virtual timer interrupt", None),
    "ipi": ("IPI, to the handler and back", 900),
    "lpi-int": ("LPI by INT on the virtual ITS", 2500),
    "msi-extra": ("device MSI to its handler, over bare EL1", 700),
    "its-trap": ("one trap of an endless ITS queue", 40000),
    "pci-config-read": ("config read, from the shadow", 350),
    "pci-config-status": ("config read, from hardware", 350),
    "pci-config-read-200": ("the same with 200 functions", 350),
    "pci-config-status-200": ("the same with 200 functions", 350),
}
BOOT = ("reset to first guest instruction, no copying", 1_300_000)
IMAGE = ("image: text, rodata, data (bytes)", 224 << 10)
MEMORY = "own memory, 2 CPUs (KiB)"

# kvm-unit-tests on QEMU 10.0.2 with -cpu max, two CPUs and -icount shift=0,sleep=off, 2026-11:
# Viaduct, Bao 2026-07 (without its warning for each hypercall), Xen 4.17 dom0less, KVM 6.1 (VHE).
SAME_BENCHMARK = (
    ("hypercall, unknown function", 106, 125, 1660, 999),
    ("hypercall, PSCI_VERSION", None, 201, 484, None),
    ("read of a distributor register", 209, 241, 595, 1842),
    ("EOI of a virtual interrupt, no exit", 21, 21, 21, 21),
    ("IPI, to the receiver's handler and back", 1187, 1344, 2175, 4733),
    ("virtual timer interrupt, 10 ms test", 755, 701, 1071, 4893),
    ("LPI by INT on the virtual ITS", 1417, None, None, 6959),
)
# Not of that benchmark, but counted in one way: `size` of the ELF file.
PEER_IMAGES = (89 << 10, 983 << 10, None)


def machine(name, cpus, devices=()):
    return vq.Machine(name, cpu="max", smp=cpus, memory="1G", devices=devices,
                      accel="tcg,thread=single", extra=["-icount", "shift=0,sleep=off"])


def guest(cpus, bootargs="", devices=()):
    return vq.Guest("bench", BENCH, bootargs=bootargs, cpus=cpus, memory_mib=32, devices=devices)


def boot_cost(verbose):
    with machine("bench-boot", 1).start([guest(1, "bench.boot-only=1")], timeout=60) as run:
        run.wait()
    first = run.find(r"BENCH first-instruction cntpct=\d+")
    ticks = run.find(r"^viaduct: ticks of ")
    if not first or not ticks:
        print(f"bench: the guest did not start:\n{run.tail()}", file=sys.stderr)
        return None
    n = {k: int(v) for k, v in re.findall(r"(entry|first-guest|copy|inflate|scrub) (\d+)", ticks)}
    total = int(re.search(r"cntpct=(\d+)", first)[1])
    if verbose:
        print(f"bench: first instruction at {total}; {ticks}")
    return total - n["copy"] - n["inflate"] - n["scrub"]


def operation_costs():
    """The costs by operation, and the memory that Viaduct says it uses."""
    devices = [vq.Device("edu", "0000:00:01.0", extra="allow-no-reset;")]
    with machine("bench", 2, EDU).start([guest(2, devices=devices)], timeout=240) as run:
        run.wait()
    found = (re.search(r"BENCH op=(\S+) instr=(\d+)", line) for line in run.lines)
    costs = {m[1]: int(m[2]) for m in found if m}
    memory = run.find(r"^viaduct: \d+ KiB of memory for Viaduct itself")
    if not run.find(r"PAYLOAD bench: ok"):
        print(f"bench: the payload did not end well:\n{run.tail()}", file=sys.stderr)
    return costs, int(re.search(r"(\d+) KiB", memory)[1]) if memory else None


EDU = ["-device", "edu,addr=1,dma_mask=0xffffffffffff"]


def bare_msi():
    """What a device's MSI costs the same payload at EL1 without a hypervisor."""
    bare = vq.Machine("bench-bare", cpu="max", smp=2, memory="512M", virtualization=False,
                      devices=EDU, accel="tcg,thread=single",
                      extra=["-icount", "shift=0,sleep=off"])
    with vq.Run(bare, ["-kernel", BENCH, "-append", "bench.msi-only=1"], 60) as run:
        run.wait()
    found = run.find(r"BENCH op=msi instr=\d+")
    return int(re.search(r"instr=(\d+)", found)[1]) if found else None


def endless_queue():
    """A queue of 32767 INVALL over 256 events, by the number of times that Viaduct went at it."""
    nvme = ["-drive", "driver=null-co,if=none,id=null",
            "-device", "nvme,serial=null,drive=null,addr=2,msix_qsize=256"]
    devices = [vq.Device("edu", "0000:00:01.0", extra="allow-no-reset;"),
               vq.Device("nvme", "0000:00:02.0")]
    forger = vq.Guest("forger", f"{vq.BUILD}/guests/forge.bin",
                      bootargs="forge.only=invall forge.events=256",
                      memory_mib=32, devices=devices)
    with machine("bench-queue", 1, EDU + nvme).start([forger], timeout=120) as run:
        run.wait()
    total = run.find(r"BENCH op=its-invall instr=\d+")
    kicks = run.find(r"^viaduct: forger: vCPU 0 exits: .* kick=\d+")
    if not total or not kicks:
        print(f"bench: the endless queue did not end:\n{run.tail()}", file=sys.stderr)
        return None
    return int(re.search(r"instr=(\d+)", total)[1]) // int(re.search(r"kick=(\d+)", kicks)[1])


def many_functions():
    """Config reads of the last of 200 functions: 25 slots of 8, the last is an edu."""
    places = [f"{slot:x}.{fn}" for slot in range(1, 26) for fn in range(8)]
    models = [a for at in places[:-1]
              for a in vq.testdev(at, ",multifunction=on" if at.endswith(".0") else "")]
    devices = [vq.Device("d" + at.replace(".", "-"), f"0000:00:{at}", extra="allow-no-reset;")
               for at in places]
    bench = machine("bench-200", 2, models + ["-device", f"edu,addr={places[-1]}"])
    with bench.start([guest(2, "bench.config-only=1", devices)], timeout=120) as run:
        run.wait()
    found = (re.search(r"BENCH op=(\S+) instr=(\d+)", line) for line in run.lines)
    if not run.find(r"PAYLOAD bench: ok"):
        print(f"bench: the payload with 200 functions did not end well:\n{run.tail()}",
              file=sys.stderr)
    return {f"{m[1]}-200": int(m[2]) for m in found if m}


def image_size():
    size = os.environ.get("CROSS_COMPILE", "aarch64-linux-gnu-") + "size"
    out = subprocess.run([size, f"{vq.VIADUCT}.elf"], check=True, stdout=subprocess.PIPE,
                         text=True).stdout
    text, data = out.splitlines()[1].split()[:2]
    return int(text) + int(data)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("-v", "--verbose", action="store_true")
    args = parser.parse_args()

    costs, memory = operation_costs()
    costs.update(many_functions())
    bare, costs["its-trap"] = bare_msi(), endless_queue()
    costs["msi-extra"] = costs["msi"] - bare if bare and "msi" in costs else None
    if args.verbose:
        print(f"bench: device MSI to its handler: {costs.get('msi')}, bare {bare}")
    rows = [(what, limit, costs.get(op)) for op, (what, limit) in OPERATIONS.items()]
    # Own memory: 1 MiB, 128 KiB a CPU, 6 KiB a function (two here), 0.3 % of the guest's 32 MiB.
    budget = 1024 + 2 * 128 + 2 * 6 + 32 * 1024 * 3 // 1000
    size = image_size()
    rows += [BOOT + (boot_cost(args.verbose),), IMAGE + (size,), (MEMORY, budget, memory)]
    bad = print_budgets(rows)
    print_peers(size)
    if bad:
        print(f"bench: {bad} of {len(rows)} over their budget or missing")
    return 1 if bad else 0


def number(value):
    return f"{value:9}" if value is not None else f"{'-':>9}"


def print_budgets(rows):
    """Our payload's figures; returns how many are over their budget or missing."""
    bad = 0
    print(f"{'tests/guests/bench.c: instructions of one CPU':45} {'Viaduct':>9} {'budget':>9}")
    for what, limit, ours in rows:
        verdict = ""
        if ours is None:
            verdict = "none"
        elif limit is not None:
            verdict = "ok" if ours <= limit else "OVER"
        bad += verdict in ("none", "OVER")
        print(f"{what:45} {number(ours)} {number(limit)} {verdict}".rstrip())
    return bad


def print_peers(size):
    """Another benchmark: figures of this table and of the one above do not compare."""
    print()
    print(f"{'kvm-unit-tests micro-bench, measured 2026-11:':45}")
    print(f"{'instructions of both CPUs':45} {'Viaduct':>9} {'Bao':>9} {'Xen':>9} {'KVM':>9}")
    for what, *values in SAME_BENCHMARK + ((IMAGE[0] + ", now", size) + PEER_IMAGES,):
        print(f"{what:45} " + " ".join(number(v) for v in values))


if __name__ == "__main__":
    sys.exit(main())
