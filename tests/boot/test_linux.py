# SPDX-License-Identifier: Apache-2.0
"""Two Linux guests with a PCI device each: what they observe, compared with the bare machine.

The machine: NVMe behind one root port, e1000e behind another, a virtio-rng that nobody is given.
"""
import functools

import pytest

import viaduct_qemu as vq

NVME, E1000E, RNG = "1b36:0010", "8086:10d3", "1af4:1005"
SETUPS = {"a72-stable": ("cortex-a72", "stable", "trapped"), "max-new": ("max", "new", "direct")}


def machine(name, cpu, image):
    return vq.Machine(name, cpu=cpu, smp=4, devices=vq.root_port(1, 1) + vq.nvme(image, "rp1") +
                      vq.root_port(2, 2) + vq.nic("e1000e", "rp2") + ["-device", "virtio-rng-pci,addr=5.0"])


class Pair:
    """The same command line with Viaduct, and bare; each boots when first looked at."""

    def __init__(self, key, work, server):
        self.key, self.server = key, server
        self.cpu, self.kernel, self.msi = SETUPS[key]
        self.disk, self.bare_disk = vq.Disk(f"{work}/{key}.img", 11), vq.Disk(f"{work}/{key}-bare.img", 12)
        self.fetch = f"viaduct.url={server.url}"

    @functools.cached_property
    def bare(self):
        with machine(f"linux-{self.key}-bare", self.cpu, self.bare_disk.path).start_bare(
                self.kernel, ["cpus", "lspci", "disk", "net", "off"], self.fetch, timeout=150) as run:
            return run.wait()

    @functools.cached_property
    def run(self):
        guests = [
            vq.linux("disk", ["cpus", "lspci", "disk", "hotplug", "iomem", "off"], self.kernel, cpus=2,
                     devices=[vq.Device("nvme", "0000:00:01.0/00.0", extra=f'msi = "{self.msi}";')]),
            vq.linux("net", ["cpus", "lspci", "net", "off"], self.kernel, self.fetch, cpus=1,
                     devices=[vq.Device("nic", "0000:00:02.0/00.0", guest="00:04.0", extra=f'msi = "{self.msi}";')])]
        with machine(f"linux-{self.key}", self.cpu, self.disk.path).start(guests, timeout=240) as run:
            return run.wait()


@pytest.fixture(scope="module", params=list(SETUPS))
def pair(request, work, server):
    return Pair(request.param, work, server)


def test_bare_machine_runs_all_actions(pair):
    run = pair.bare
    assert run.ended_by_itself, run.tail()
    assert all(r.ok for r in run.results(""))
    assert run.result("", "disk-read")["sha256"] == pair.bare_disk.sha256
    assert pair.bare_disk.read(vq.PATTERN_OFFSET, 4096 * 64) == vq.Disk.pattern("bare")
    assert run.result("", "net-fetch")["sha256"] == pair.server.sha256


def test_guests_boot_with_their_cpus(pair):
    assert pair.run.result("disk", "cpus")["count"] == "2"
    assert pair.run.result("net", "cpus")["count"] == "1"


def test_direct_read_equals_image(pair):
    r = pair.run.result("disk", "disk-read")
    assert int(r["bytes"]) >= 16 * vq.MIB
    assert r["sha256"] == pair.disk.sha256


def test_written_pattern_is_in_the_image(pair):
    assert pair.run.result("disk", "disk-write").ok
    assert pair.disk.read(vq.PATTERN_OFFSET, 4096 * 64) == vq.Disk.pattern("disk")


def test_msix_counts_grow_on_both_vcpus(pair):
    r = pair.run.result("disk", "disk-msix")
    before, after = ([int(n) for n in r[k].split(",")] for k in ("before", "after"))
    assert len(after) == 2 and all(a > b for a, b in zip(after, before)), r
    # As many vectors as on a machine: the admin queue's and one a CPU.
    assert int(r["vectors"]) >= 3, r


def test_interrupts_come_back_with_a_cpu(pair):
    """Linux switches LPIs on once a CPU: they must still be on when it was off meanwhile."""
    r = pair.run.result("disk", "hotplug")
    assert r.ok and r["off"] == "0", r


def test_ping(pair):
    assert pair.run.result("net", "net-ping")["received"] == "5"


def test_tcp_fetch(pair):
    r = pair.run.result("net", "net-fetch")
    assert int(r["bytes"]) == pair.server.size >= 4 * vq.MIB
    assert r["sha256"] == pair.server.sha256


@pytest.mark.parametrize("guest, function", [("disk", NVME), ("net", E1000E)])
def test_sysfs_shows_exactly_the_assigned_function(pair, guest, function):
    run = pair.run
    run.result(guest, "lspci")
    bare, seen = vq.pci_facts(pair.bare, ""), vq.pci_facts(run, guest)
    assert {NVME, E1000E, RNG} <= set(bare)
    assert set(seen) == {function}, f"guest {guest} sees {sorted(seen)}"
    assert seen[function] == bare[function]


def test_guest_side_address(pair):
    """`guest` decides it; without, devices count from 01."""
    assert pair.run.result("disk", "pci")["bdf"] == "0000:00:01.0"
    assert pair.run.result("net", "pci")["bdf"] == "0000:00:04.0"


@pytest.mark.parametrize("guest", ["disk", "net"])
def test_msix_is_as_declared(pair, guest):
    assert pair.run.find(rf"^viaduct: {guest}: +MSI +{pair.msi}, ITS, DeviceID"), pair.run.tail()


def test_linux_has_no_complaint_about_its_bridge(pair):
    """Linux says this of a window of 4 GiB and more that is not prefetchable."""
    assert not [line for guest in ("disk", "net") for line in pair.run.guest(guest) if "exceeds max for 32 bits" in line]


def test_machine_ends_when_all_guests_are_off(pair):
    run = pair.run
    assert run.ended("disk") and run.ended("net"), run.tail()
    assert run.ended_by_itself, run.tail()


def test_every_result_is_ok(pair):
    results = pair.run.results("disk") + pair.run.results("net")
    assert results and not [r for r in results if not r.ok]
