# SPDX-License-Identifier: Apache-2.0
"""Guests that start again: from their images, with scrubbed RAM and their devices reset; the others do not notice."""
import gzip
import re

import pytest

import viaduct_qemu as vq
from payloads import assert_ok, guest, payload_lines


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
