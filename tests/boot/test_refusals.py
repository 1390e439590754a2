# SPDX-License-Identifier: Apache-2.0
"""Bad device trees: a sentence that names the node, that guest refused, the other one runs.

The good guest is declared after the bad one, so that it is also shown that the bad one claimed
nothing, except where the good one must have claimed something before.
"""
import re
import shutil

import pytest

import viaduct_qemu as vq

HELLO = f"{vq.BUILD}/guests/hello.bin"
OWN = f"{vq.BUILD}/boot-logs/culprit.bin"       # a copy, so that no module is shared
NVME, NIC = "0000:00:01.0/00.0", "0000:00:02.0/00.0"


def bad(devices=(), **more):
    return vq.Guest("culprit", OWN, memory_mib=32, devices=devices, **more)


def device(host):
    return [vq.Device("dev", host)]


def overlapping(at, size):
    """The ramdisk is placed behind the kernel, 2 MiB further: reach into it."""
    return at, 3 * vq.MIB


def past_end(at, size):
    return vq.RAM_BASE + (2 << 30) - vq.MIB, 2 * vq.MIB


# name -> (the bad guest, what the sentence is about, devices of the good guest, good guest first)
CASES = {
    "memory-missing": (bad(properties={"memory": None}), r"memory", (), False),
    "memory-three-cells": (bad(properties={"memory": "<0 0x8000 0>"}), r"memory", (), False),
    "memory-zero": (bad(properties={"memory": "<0 0>"}), r"memory", (), False),
    "memory-huge": (bad(properties={"memory": "<0xffffffff 0xffffffff>"}), r"memory|RAM", (), False),
    "ram-does-not-fit": (bad(properties={"memory": "<0 0x1000000>"}), r"memory|RAM", (), False),
    "cpus-missing": (bad(properties={"cpus": None}), r"cpus", (), False),
    "cpus-zero": (bad(properties={"cpus": "<0>"}), r"cpus", (), False),
    "cpus-string": (bad(properties={"cpus": '"two"'}), r"cpus", (), False),
    "more-vcpus-than-cpus": (bad(properties={"cpus": "<5>"}), r"cpu", (), False),
    "no-cpu-left": (bad(properties={"cpus": "<4>"}), r"cpu", (), True),
    "module-outside-ram": (bad(kernel_reg=lambda at, size: (0x200000000, size)), r"module|kernel", (), False),
    "module-past-end-of-ram": (bad(kernel_reg=past_end), r"module|kernel", (), False),
    "module-wraps": (bad(kernel_reg=lambda at, size: (at, 0xffffffffffffffff)), r"module|kernel", (), False),
    "module-empty": (bad(kernel_reg=lambda at, size: (at, 0)), r"module|kernel", (), False),
    "modules-overlap": (bad(ramdisk=vq.INITRD, kernel_reg=overlapping), r"overlap", (), False),
    "no-kernel": (bad(kernel_reg=None, properties={}), r"kernel", (), False),
    "kernel-not-an-image": (vq.Guest("culprit", vq.INITRD, memory_mib=32), r"kernel|[iI]mage", (), False),
    "unknown-host-path": (bad(device("0000:00:1e.0/00.0")), r"00:1e\.0", (), False),
    "unknown-host-bdf": (bad(device("0000:00:1f.7")), r"00:1f\.7", (), False),
    "malformed-host": (bad(device("zz:00")), r"zz:00", (), False),
    "device-of-another-guest": (bad(device(NVME)), r"00:01\.0|good", device(NVME), True),
    "bridge-assigned": (bad(device("0000:00:01.0")), r"00:01\.0|bridge", (), False),
}
CASES["no-kernel"][0].kernel = None


@pytest.mark.parametrize("case", CASES)
def test_refused_by_name_and_the_other_runs(case, work):
    guest, about, good_devices, good_first = CASES[case]
    shutil.copy(HELLO, OWN)
    disk = vq.Disk(f"{work}/refusals.img")
    good = vq.Guest("good", HELLO, memory_mib=32, devices=good_devices)
    machine = vq.Machine(f"refuse-{case}", devices=vq.root_port(1, 1) + vq.nvme(disk.path, "rp1") +
                         vq.root_port(2, 2) + vq.nic("e1000e", "rp2"))
    with machine.start([good, guest] if good_first else [guest, good], timeout=30) as run:
        run.wait()
    assert not run.guest("culprit"), run.tail("culprit")
    about_it = [line for line in run.viaduct() if re.search(r"\bculprit\b", line) and re.search(about, line, re.IGNORECASE)]
    assert about_it, "no sentence names the guest and the reason:\n" + "\n".join(run.viaduct())
    good_lines = [line.strip() for line in run.guest("good")]
    assert "PAYLOAD hello: ok" in good_lines, run.tail()
    # A refused guest counts as off.
    assert run.ended_by_itself, run.tail()


def test_all_refused_powers_off():
    shutil.copy(HELLO, OWN)
    with vq.Machine("refuse-all").start([bad(properties={"cpus": None})], timeout=30) as run:
        run.wait()
    assert any(re.search(r"\bculprit\b", line) for line in run.viaduct()), run.tail()
    assert run.ended_by_itself, run.tail()
