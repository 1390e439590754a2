# SPDX-License-Identifier: Apache-2.0
"""Real drivers on devices in every kind of place: behind bridges, a switch, in one multi-function slot.

One boot, two guests. `bridged` has three functions that share one requester ID: an e1000 (INTx only)
and a virtio-rng behind a pcie-pci-bridge, and a virtio disk behind a pci-bridge behind it. `tree` has
an NVMe disk and a virtio disk behind a switch, and a two-function device of a root port.
"""
import random

import pytest

import viaduct_qemu as vq

MIB = 8         # read of each disk
BRIDGED = {"nic": "0000:00:01.0/00.0/02.0", "rng": "0000:00:01.0/00.0/03.0", "disk": "0000:00:01.0/00.0/04.0/05.0"}
TREE = {"nvme": "0000:00:02.0/00.0/00.0/00.0", "disk": "0000:00:02.0/00.0/01.0/00.0",
        "rng": "0000:00:03.0/00.0", "nic": "0000:00:03.0/00.1"}


def devices(disks, source):
    behind_bridge = vq.root_port(1, 1) + vq.bridge("pcie-pci-bridge", "pb1", "rp1") + \
        vq.nic("e1000", "pb1", ",addr=2.0") + vq.virtio_rng(source, "pb1", ",addr=3.0") + \
        vq.bridge("pci-bridge", "pb2", "pb1", ",addr=4.0,chassis_nr=9,shpc=off") + \
        vq.virtio_blk(disks["nested"].path, "pb2", "nested", ",addr=5.0")
    behind_switch = vq.root_port(2, 2) + vq.bridge("x3130-upstream", "up", "rp2") + \
        vq.bridge("xio3130-downstream", "dn0", "up", ",addr=0.0,chassis=20") + \
        vq.bridge("xio3130-downstream", "dn1", "up", ",addr=1.0,chassis=21") + \
        vq.nvme(disks["nvme"].path, "dn0") + vq.virtio_blk(disks["switched"].path, "dn1", "switched")
    functions = vq.root_port(3, 3) + vq.virtio_rng(source, "rp3", ",addr=0.0,multifunction=on") + \
        vq.nic("e1000e", "rp3", ",addr=0.1")
    return behind_bridge + behind_switch + functions


@pytest.fixture(scope="module")
def disks(work):
    names = ("nested", "nvme", "switched")
    return {name: vq.Disk(f"{work}/pci-{name}.img", seed) for seed, name in enumerate(names, 41)}


@pytest.fixture(scope="module")
def entropy(work):
    """A file, so that what the guest reads can be told from anything else."""
    data = random.Random(47).randbytes(8 * vq.MIB)
    with open(f"{work}/entropy", "wb") as f:
        f.write(data)
    return f.name, data


@pytest.fixture(scope="module")
def run(disks, entropy, server):
    options = f"viaduct.mib={MIB} viaduct.url={server.url}"
    guests = [vq.linux("bridged", ["lspci", "rng", "blk", "net", "off"], options=options,
                       devices=[vq.Device(k, v, extra="allow-no-reset;") for k, v in BRIDGED.items()]),
              vq.linux("tree", ["lspci", "rng", "blk", "disk", "net", "off"], options=options, cpus=2,
                       devices=[vq.Device(k, v) for k, v in TREE.items()])]
    with vq.Machine("pci-linux", devices=devices(disks, entropy[0])).start(guests, timeout=120) as r:
        yield r.wait()


def ids(run, guest):
    return {f"{r['vendor'][2:]}:{r['device'][2:]}": r["bdf"][5:] for r in run.results(guest, "pci")}


def test_guests_see_what_they_were_given(run):
    assert ids(run, "bridged") == {"8086:100e": "00:01.0", "1af4:1044": "00:02.0", "1af4:1042": "00:03.0"}
    assert set(ids(run, "tree")) == {"1b36:0010", "1af4:1042", "1af4:1044", "8086:10d3"}


def test_tables_are_direct_where_nobody_shares_the_device_id(run):
    lines = [" ".join(x.split()) for x in run.viaduct() if " MSI " in x]
    assert len([x for x in lines if x.startswith("bridged: MSI trapped (it shares its DeviceID), ITS")]) == 2, lines
    assert len([x for x in lines if x.startswith("tree: MSI direct, ITS")]) == 4, lines


def test_functions_of_one_device_stay_together(run):
    seen = ids(run, "tree")
    assert (seen["1af4:1044"][-2:], seen["8086:10d3"][-2:]) == (".0", ".1")
    assert seen["1af4:1044"][:-2] == seen["8086:10d3"][:-2]


@pytest.mark.parametrize("guest, driver", [("bridged", "e1000"), ("tree", "e1000e")])
def test_network(run, server, guest, driver):
    assert run.result(guest, "net-present")["driver"] == driver
    assert run.result(guest, "net-ping")["received"] == "5"
    assert run.result(guest, "net-fetch")["sha256"] == server.sha256


def test_conventional_nic_uses_its_line(run):
    counts = [x for x in run.guest("bridged") if x.startswith("after:") and "eth0" in x]
    assert counts and all("MSI" not in x for x in counts), counts
    assert int(counts[0].split()[2]) > 100, counts


@pytest.mark.parametrize("guest, serial", [("bridged", "nested"), ("tree", "switched")])
def test_virtio_disk(run, disks, guest, serial):
    assert run.result(guest, f"blk-{serial}")["sha256"] == disks[serial].sum(MIB)
    assert disks[serial].read(vq.PATTERN_OFFSET, 4096 * 64) == vq.Disk.pattern(serial)
    counts = [x for x in run.guest(guest) if x.startswith("after:") and "req." in x]
    assert counts and all("MSI" in x for x in counts), run.tail(guest)
    assert sum(int(n) for x in counts for n in x.split()[2:4] if n.isdigit()) > 0, counts


def test_nvme_behind_a_switch(run, disks):
    assert run.result("tree", "disk-read")["sha256"] == disks["nvme"].sum(MIB)
    assert disks["nvme"].read(vq.PATTERN_OFFSET, 4096 * 64) == vq.Disk.pattern("tree")


@pytest.mark.parametrize("guest", ["bridged", "tree"])
def test_random_bytes_are_those_of_the_source(run, entropy, guest):
    got = bytes.fromhex(run.result(guest, "rng")["bytes"])
    assert len(got) == 64
    # The kernel takes some for itself; requests are filled in order.
    assert all(got[i:i + 16] in entropy[1] for i in range(0, 64, 16))


def test_every_result_is_ok_and_the_machine_ends(run):
    for guest in ("bridged", "tree"):
        assert run.ended(guest), run.tail(guest)
        assert not [r for r in run.results(guest) if not r.ok]
    assert not [x for x in run.viaduct() if "refused:" in x], run.tail()
    assert run.ended_by_itself, run.tail()
