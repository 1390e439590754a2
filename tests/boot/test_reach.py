# SPDX-License-Identifier: Apache-2.0
"""A root complex as Juno's: it lets devices reach RAM from 2 GiB on, and keeps some addresses to itself.

QEMU's has no such limits, so its tree gets Juno's `dma-ranges`, and beside its own `ranges` Juno's
window at 0x5000_0000, where RAM is on this machine. One boot with an ITS and one
with GICv2m, three guests: `moved` (NVMe) has two pieces of static memory, one of them not even 2 MiB
aligned, and must see them from 0x8000_0000 on; `direct` (e1000e) sees its own at their physical
addresses; `culprit` wants that inside the window.
"""
import re

import pytest

import viaduct_qemu as vq

LIMITS = """
/ { pcie@10000000 {
	ranges = <0x1000000 0 0 0 0x3eff0000 0 0x10000>, <0x2000000 0 0x10000000 0 0x10000000 0 0x2eff0000>,
		 <0x2000000 0 0x50000000 0 0x50000000 0 0x8000000>, <0x3000000 0x80 0 0x80 0 0x80 0>;
	dma-ranges = <0x2000000 0 0x80000000 0 0x80000000 0 0x80000000>, <0x43000000 8 0 8 0 2 0>;
}; };
"""


def static(*ranges, **more):
    """Properties for these ranges (base, MiB), and how much it is."""
    cells = " ".join(f"{vq.cells(base)} {vq.cells(mib * vq.MIB)}" for base, mib in ranges)
    return {"memory_mib": sum(mib for _, mib in ranges), "properties": {"xen,static-mem": f"<{cells}>", **more}}


@pytest.fixture(scope="module", params=["3", "2"])
def gic(request):
    """3 with an ITS; 2 with one GICv2m frame, as Juno has, whose page is outside dma-ranges as well."""
    return request.param


@pytest.fixture(scope="module")
def disk(work, gic):
    return vq.Disk(f"{work}/reach{gic}.img", 77)


@pytest.fixture(scope="module")
def run(disk, server, gic):
    intx = "" if gic == "3" else 'msi = "off";'      # there is one frame, and so one guest that has it
    guests = [vq.Guest("culprit", f"{vq.BUILD}/guests/hello.bin", devices=[vq.Device("rng", "0000:00:03.0/00.0")],
                       **static((0x52000000, 32), **{"direct-map": ""})),
              vq.linux("moved", ["disk", "iomem", "off"], options="viaduct.mib=8", cpus=2,
                       devices=[vq.Device("nvme", "0000:00:01.0/00.0")],
                       **static((0x70000000, 128), (0x7a001000, 128))),
              vq.linux("direct", ["net", "iomem", "off"], options=f"viaduct.url={server.url}",
                       devices=[vq.Device("nic", "0000:00:02.0/00.0", extra=intx)],
                       **static((0x90000000, 192), (0xa0000000, 64), **{"direct-map": ""}))]
    devices = vq.root_port(1, 1) + vq.nvme(disk.path, "rp1") + vq.root_port(2, 2) + vq.nic("e1000e", "rp2") + \
        vq.root_port(3, 3) + vq.virtio_rng("/dev/urandom", "rp3")
    with vq.Machine(f"reach-{gic}", gic=gic, devices=devices).start(guests, LIMITS, timeout=120) as r:
        yield r.wait()


def system_ram(run, guest):
    return [m[1] for m in (re.match(r"([0-9a-f]+-[0-9a-f]+) : System RAM", line) for line in run.guest(guest)) if m]


def test_ram_is_where_devices_reach(run, disk):
    assert system_ram(run, "moved") == ["80000000-8fffffff"]
    assert run.result("moved", "disk-read")["sha256"] == disk.sum(8)
    assert disk.read(vq.PATTERN_OFFSET, 4096 * 64) == vq.Disk.pattern("moved")
    assert run.result("moved", "disk-msix").ok
    doorbell = int(next(re.search(r"doorbell IPA (0x[0-9a-f]+)", x)[1] for x in run.viaduct() if "moved:" in x and "doorbell" in x), 16)
    assert 0x90000000 <= doorbell < 1 << 32


def test_direct_map_shows_the_physical_addresses(run, server):
    assert system_ram(run, "direct") == ["90000000-9bffffff", "a0000000-a3ffffff"]
    assert run.result("direct", "net-fetch")["sha256"] == server.sha256


def test_direct_map_in_a_window_is_refused_by_name(run):
    assert not run.guest("culprit"), run.tail("culprit")
    said = [line for line in run.viaduct() if "culprit" in line and "refused" in line]
    assert any("RAM at 0x52000000 to 0x53ffffff overlaps a BAR window of /pcie@10000000 (0x50000000 to 0x57ffffff)"
               in line for line in said), said


def test_every_result_is_ok_and_the_machine_ends(run):
    assert run.ended("moved") and run.ended("direct"), run.tail()
    assert not [r for r in run.results("moved") + run.results("direct") if not r.ok]
    assert run.ended_by_itself, run.tail()
