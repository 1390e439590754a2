# SPDX-License-Identifier: Apache-2.0
"""Guests that start again: from their images, with scrubbed RAM and their devices reset; the others do not notice.

VIADUCT_RESTARTS and VIADUCT_REBOOTS say how often, for a payload and for Linux.
"""
import gzip
import os
import re

import pytest

import viaduct_qemu as vq
from payloads import assert_ok, guest, payload_lines

RESTARTS = int(os.environ.get("VIADUCT_RESTARTS", "100"))
REBOOTS = int(os.environ.get("VIADUCT_REBOOTS", "3"))
MARKS_AT = 60000 * 1024     # on the disk, behind what `disk` reads and writes


def diary(name):
    return (f'diary {{ compatible = "xen,domain-shared-memory-v1"; xen,shm-id = "{name}"; role = "owner"; '
            'xen,shared-mem = <0 0x80000000 0 0x1000>; };')


@pytest.mark.parametrize("gic", ["3", "2"])
def test_a_guest_starts_again_as_after_power_on(gic, work):
    """A twin does the same at the same time, from a compressed image; a third guest looks after its memory."""
    times = 4
    packed = f"{work}/again.bin.gz"
    with open(f"{vq.BUILD}/guests/again.bin", "rb") as raw, open(packed, "wb") as f:
        f.write(gzip.compress(raw.read()))
    disk = vq.Disk(f"{work}/again.img")
    machine = vq.Machine(f"again-gic{gic}", gic=gic, smp=6, devices=vq.root_port(1, 1) + vq.nvme(disk.path, "rp1") +
                         ["-device", "edu,addr=5,dma_mask=0xffffffffffff"])
    guests = [guest("again", "again", f"again.times={times}", cpus=2, extra=diary("again"),
                    devices=[vq.Device("nvme", "0000:00:01.0/00.0"),
                             vq.Device("edu", "0000:00:05.0", extra="allow-no-reset;")]),
              vq.Guest("twin", packed, memory_mib=32, bootargs=f"again.times={3 * times}", cpus=2, extra=diary("twin")),
              guest("victim", "victim", "beats=100")]
    with machine.start(guests, timeout=120) as run:
        run.wait()
    for name, starts in (("again", times + 1), ("twin", 3 * times + 1)):
        lines = assert_ok(run, name, "again")
        assert [x for x in lines if x.startswith("life=")] == [f"life={n}" for n in range(1, starts + 1)]
        assert len([x for x in lines if x == "start scrubbed=400000 ok"]) == starts
        assert len([x for x in run.viaduct() if re.search(rf"\b{name}: starts again", x)]) == starts - 1, run.tail()
    lines = payload_lines(run, "again", "again")
    assert len([x for x in lines if x == "edu scrubbed=400000 ok"]) == times + 1
    assert len([x for x in lines if x.startswith("nvme ready")]) == times + 1
    assert_ok(run, "victim", "victim")
    assert run.ended_by_itself, run.tail()


def test_linux_reboots_and_uses_its_devices_again(work, server):
    """The first life leaves a mark on the disk, and reboots; the second one sees it. The other guest works on."""
    disk = vq.Disk(f"{work}/reboot.img", 21)
    steps = ["disk", "net", "cmd:dd+if=/dev/nvme0n1+bs=512+skip=120000+count=1|grep+-q+AGAIN&&poweroff+-f",
             "cmd:echo+AGAIN|dd+of=/dev/nvme0n1+bs=512+seek=120000+conv=fsync", "reboot"]
    machine = vq.Machine("reboot", devices=vq.root_port(1, 1) + vq.nvme(disk.path, "rp1") +
                         vq.root_port(2, 2) + vq.nic("e1000e", "rp2"))
    guests = [vq.linux("linux", steps, cpus=2, options=f"viaduct.url={server.url}",
                       devices=[vq.Device("nvme", "0000:00:01.0/00.0"), vq.Device("nic", "0000:00:02.0/00.0")]),
              guest("victim", "victim", "beats=100")]
    with machine.start(guests, timeout=240) as run:
        run.wait()
    assert [r["sha256"] for r in run.results("linux", "disk-read")] == 2 * [disk.sha256], run.tail("linux")
    assert [r["sha256"] for r in run.results("linux", "net-fetch")] == 2 * [server.sha256], run.tail("linux")
    assert len([x for x in run.viaduct() if re.search(r"\blinux: starts again", x)]) == 1, run.tail()
    assert_ok(run, "victim", "victim")
    assert run.ended_by_itself, run.tail()


def kept(run, name):
    """What Viaduct says of each life of a guest: its number, and what EL2 has for it."""
    found = (re.search(rf"\b{name}: starts again \(life (\d+); (.*)\)", x) for x in run.viaduct())
    return [(int(m[1]), m[2]) for m in found if m]


def assert_nothing_lost(run, name, restarts):
    """The same free stage-2 tables and the same memory in every life that was told of, the last one included."""
    lives = kept(run, name)
    assert lives and lives[-1][0] == restarts + 1, lives[-1:]
    assert len({what for _, what in lives}) == 1, lives


def test_restarts_in_a_loop_lose_nothing(work):
    """A payload with an NVMe controller that runs at each end. A neighbour's memory and timer stay its own."""
    disk = vq.Disk(f"{work}/loop.img")
    machine = vq.Machine("restarts", smp=3, devices=vq.root_port(1, 1) + vq.nvme(disk.path, "rp1"))
    guests = [guest("again", "again", f"again.times={RESTARTS} again.rest=3000", cpus=2, extra=diary("again"),
                    devices=[vq.Device("nvme", "0000:00:01.0/00.0")]),
              guest("victim", "victim", "beats=1000000")]
    with machine.start(guests, timeout=120 + 2 * RESTARTS) as run:
        assert run.wait_line(r"^PAYLOAD again: (ok|FAIL)", "again"), run.tail()
        beats = len(payload_lines(run, "victim", "victim"))
        assert run.pump(lambda r: len(payload_lines(r, "victim", "victim")) > beats, 20), run.tail("victim")
    lines = assert_ok(run, "again", "again")
    assert [x for x in lines if x.startswith("life=")] == [f"life={n}" for n in range(1, RESTARTS + 2)]
    assert len([x for x in lines if x.startswith("nvme ready")]) == RESTARTS + 1
    assert_nothing_lost(run, "again", RESTARTS)
    beats = payload_lines(run, "victim", "victim")
    assert beats and not [x for x in beats if x.endswith("FAIL")], run.tail("victim")


def marks(name, times, end):
    """Steps for Linux: a mark on its disk and `end`, until there are so many marks; then off."""
    steps = (f"c=$(dd if=/dev/{name} bs=1024 skip={MARKS_AT // 1024} count=1 2>/dev/null|tr -dc x|wc -c);"
             f"test $c -ge {times}&&poweroff -f;"
             f"printf x|dd of=/dev/{name} bs=1 conv=fsync seek=$(({MARKS_AT}-(0-$c)))")
    return ["disk", "cmd:" + steps.replace(" ", "+"), end]


def test_linux_in_a_loop_loses_nothing(work, server):
    """With igb and NVMe, whose drivers are at work at each reboot."""
    disk = vq.Disk(f"{work}/reboots.img", 22)
    machine = vq.Machine("reboots", smp=3, devices=vq.root_port(1, 1) + vq.nvme(disk.path, "rp1") +
                         vq.root_port(2, 2) + vq.nic("igb", "rp2"))
    guests = [vq.linux("linux", ["net"] + marks("nvme0n1", REBOOTS, "reboot"), cpus=2,
                       options=f"viaduct.mib=4 viaduct.url={server.url}",
                       devices=[vq.Device("nvme", "0000:00:01.0/00.0"), vq.Device("nic", "0000:00:02.0/00.0")]),
              guest("victim", "victim", "beats=1000000")]
    with machine.start(guests, timeout=120 + 60 * REBOOTS) as run:
        assert run.wait_line("^viaduct: linux: off"), run.tail()
        beats = len(payload_lines(run, "victim", "victim"))
        assert run.pump(lambda r: len(payload_lines(r, "victim", "victim")) > beats, 20), run.tail("victim")
    assert [r["sha256"] for r in run.results("linux", "net-fetch")] == (REBOOTS + 1) * [server.sha256]
    assert len({r["sha256"] for r in run.results("linux", "disk-read")}) == 1
    assert len(run.results("linux", "disk-read")) == REBOOTS + 1, run.tail("linux")
    assert_nothing_lost(run, "linux", REBOOTS)
    assert not [x for x in payload_lines(run, "victim", "victim") if x.endswith("FAIL")], run.tail("victim")


def test_a_linux_that_panics_comes_back(work):
    """... from its crash, reported as such; a neighbour's disk holds what it should meanwhile."""
    disks = [vq.Disk(f"{work}/panic-{n}.img", 30 + n) for n in (1, 2)]
    machine = vq.Machine("panic", smp=2, devices=vq.root_port(1, 1) + vq.nvme(disks[0].path, "rp1") +
                         vq.root_port(2, 2) + vq.nvme(disks[1].path, "rp2"))
    guests = [vq.linux("panics", marks("nvme0n1", 1, "cmd:echo+c>/proc/sysrq-trigger"),
                       options="viaduct.mib=4 panic=1 reboot=panic_warm",
                       devices=[vq.Device("nvme", "0000:00:01.0/00.0")]),
              vq.linux("works", 4 * ["disk"] + ["off"], devices=[vq.Device("nvme", "0000:00:02.0/00.0")])]
    with machine.start(guests, timeout=150) as run:
        # run.wait() would end with the panic.
        assert run.wait_line("^viaduct: no guest is left"), run.tail()
    assert run.find("Kernel panic - not syncing: sysrq triggered crash", "panics"), run.tail("panics")
    assert [x for x in run.viaduct() if "panics: reports a crash (SYSTEM_RESET2)" in x], run.tail()
    assert_nothing_lost(run, "panics", 1)
    assert len(run.results("panics", "disk-read")) == 2
    assert [r["sha256"] for r in run.results("works", "disk-read")] == 4 * [disks[1].sha256], run.tail("works")
    assert run.ended("works"), run.tail()
