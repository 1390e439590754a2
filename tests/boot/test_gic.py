# SPDX-License-Identifier: Apache-2.0
"""Hosts whose interrupt controller is not a GICv3 with an ITS: a GICv2, and a GICv3 without ITS.

Each host boots once. Linux with two vCPUs and a disk by INTx; on the GICv2 beside it the edu payload,
which counts level interrupts one by one. The guest's controller is of its host's version.
"""
import re

import pytest

import viaduct_qemu as vq
from payloads import assert_ok, bare, guest

INTX = 'msi = "off";'


@pytest.fixture(scope="module")
def v2(work):
    disk = vq.Disk(f"{work}/gicv2.img", 21)
    guests = [vq.linux("linux", ["cpus", "interrupts", "disk", "off"], cpus=2, options="viaduct.mib=8",
                       devices=[vq.Device("nvme", "0000:00:01.0", extra=INTX)]),
              guest("edu", "edu", "edu.irqs=300",
                    devices=[vq.Device("edu", "0000:00:02.0", extra="allow-no-reset; " + INTX)])]
    machine = vq.Machine("gicv2", gic="2", devices=vq.nvme(disk.path, "pcie.0", ",addr=1") +
                         ["-device", "edu,addr=2,dma_mask=0xffffffffffff"])
    with machine.start(guests, timeout=120) as run:
        run.disk = disk
        return run.wait()


def test_v2_linux_takes_its_interrupts(v2):
    assert v2.result("linux", "cpus")["count"] == "2"
    assert v2.result("linux", "disk-read")["sha256"] == v2.disk.sum(8)
    assert v2.disk.read(vq.PATTERN_OFFSET, 4096 * 64) == vq.Disk.pattern("linux")
    lines = [x for x in v2.guest("linux") if "GIC-0" in x]
    assert [x for x in lines if "arch_timer" in x] and [x for x in lines if "nvme" in x and "Level" in x], lines
    assert [x for x in v2.guest("linux") if re.match(r"IPI\d: +[1-9]\d* +[1-9]", x)]
    # One line has one interrupt, on one CPU: all but this is as with MSI-X.
    assert [x.test for x in v2.results("linux") if not x.ok] == ["disk-msix"]


def test_v2_no_level_interrupt_is_lost_or_spurious(v2):
    lines = assert_ok(v2, "edu", "edu")
    assert [x for x in lines if re.match(r"intx intid=\d+ raised=300 irqs=300 without-status=0 ok", x)], lines


def test_v2_plan_says_so(v2):
    for name in ("linux", "edu"):
        assert v2.find(rf"^viaduct: {name}: +GIC +version 2, .*INTx only"), v2.tail()
    assert v2.ended_by_itself, v2.tail()


def test_v3_without_its(work):
    """Devices that insist on MSI-X do not start in this machine; virtio's goes without."""
    disk = vq.Disk(f"{work}/no-its.img", 22)
    linux = vq.linux("linux", ["blk", "interrupts", "off"], cpus=2, options="viaduct.mib=8",
                     devices=[vq.Device("disk", "0000:00:01.0", extra="allow-no-reset;")])
    machine = vq.Machine("no-its", machine=",its=off",
                         devices=vq.virtio_blk(disk.path, "pcie.0", "plain", ",addr=1"))
    with machine.start([linux], timeout=120) as run:
        run.wait()
    assert run.result("linux", "blk-plain")["sha256"] == disk.sum(8)
    assert disk.read(vq.PATTERN_OFFSET, 4096 * 64) == vq.Disk.pattern("plain")
    assert [x for x in run.guest("linux") if "GICv3" in x and "Level" in x and "virtio0" in x], run.tail("linux")
    assert run.find(r"^viaduct: linux: +GIC +version 3, .*INTx only"), run.tail()
    assert run.ended_by_itself, run.tail()


@pytest.mark.parametrize("gic, options", [("2", ""), ("2", ",secure=on"), ("3", "")])
def test_semantics(gic, options):
    """
    What software may rely on, by hand: priorities, pending and active, routing, both EOI modes. With
    secure=on Viaduct itself has the non-secure view, where all its interrupts are of group 1.
    """
    name = f"gic-semantics-{gic}{'-secure' if options else ''}"
    with vq.Machine(name, gic=gic, machine=options).start([guest("g", "gic", cpus=2)], timeout=60) as run:
        run.wait()
    assert len(assert_ok(run, "g", "gic")) > 80
    assert run.ended_by_itself, run.tail()


@pytest.mark.parametrize("gic", ["2", "3"])
def test_bare_semantics(gic):
    with bare(f"bare-gic-{gic}", "gic", gic=gic) as run:
        run.wait()
    assert len(assert_ok(run, "", "gic")) > 80
