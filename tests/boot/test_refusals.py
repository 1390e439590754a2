# SPDX-License-Identifier: Apache-2.0
"""Bad device trees: a sentence that names the node, that guest refused, the other one runs.

The good guest is declared after the bad one, so that it is also shown that the bad one claimed
nothing, except where the good one must have claimed something before.
"""
import gzip
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
    "kernel-not-an-image": (vq.Guest("culprit", vq.INITRD, memory_mib=32), r"ramdisk", (), False),
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


# what is given as a kernel -> (its bytes, what the refusal says)
NO_KERNEL = {
    "zboot": (b"MZ\0\0zimg", "unzboot"),
    "elf": (b"\x7fELF\x02\x01", "an ELF file"),
    "uimage": (b"\x27\x05\x19\x56", "a uImage"),
    "tree": (b"\xd0\x0d\xfe\xed", "a device tree"),
    "zeros": (b"", "zeros"),
    "raw": (b"\x01\x02\x03\x04", "viaduct,raw"),
}


def cut_gzip():
    """Most of a compressed kernel; its last bytes are not its size."""
    with open(HELLO, "rb") as f:
        return gzip.compress(f.read(), mtime=0)[:-100]


def test_what_is_no_kernel_is_named(work):
    guests = []
    files = {name: (begin.ljust(8192, b"\0"), about) for name, (begin, about) in NO_KERNEL.items()}
    files["cut"] = (cut_gzip(), "damaged")
    for name, (data, _) in files.items():
        path = f"{work}/no-kernel-{name}"
        with open(path, "wb") as f:
            f.write(data)
        guests.append(vq.Guest(name, path, memory_mib=32))
    with vq.Machine("refuse-no-kernel").start(guests + [vq.Guest("good", HELLO, memory_mib=32)], timeout=30) as run:
        run.wait()
    for name, (_, about) in files.items():
        assert any(re.search(rf'"{name}".*refused.*its kernel.*{about}', line) for line in run.viaduct()), (name, run.tail())
        assert not run.guest(name)
    assert "PAYLOAD hello: ok" in [line.strip() for line in run.guest("good")], run.tail()


def test_a_raw_binary_runs_where_the_declaration_says_so(work):
    path = f"{work}/hello.raw"
    with open(HELLO, "rb") as f:
        data = bytearray(f.read())
    data[56:60] = b"\0\0\0\0"      # no Image any more; it begins with a branch all the same
    with open(path, "wb") as f:
        f.write(data)
    guest = vq.Guest("raw", path, memory_mib=32, kernel_properties="viaduct,raw;")
    with vq.Machine("raw-kernel").start([guest], timeout=30) as run:
        run.wait()
    assert "PAYLOAD hello: ok" in [line.strip() for line in run.guest("raw")], run.tail()


def test_all_refused_powers_off():
    shutil.copy(HELLO, OWN)
    with vq.Machine("refuse-all").start([bad(properties={"cpus": None})], timeout=30) as run:
        run.wait()
    assert any(re.search(r"\bculprit\b", line) for line in run.viaduct()), run.tail()
    assert run.ended_by_itself, run.tail()
