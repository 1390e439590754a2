# SPDX-License-Identifier: Apache-2.0
"""Linux' drivers by line and by message, on a host with ITS and on one with a GICv2m frame.

One boot a host, two guests with the same three devices: NVMe, e1000e, and e1000, which has no MSI.
`lines` is told pci=nomsi; its NVMe disk and its e1000 share one physical line. `messages` uses what
there is: the lines of its NVMe disk and e1000e are those of `lines`, so it has MSI-X only for these.
VIADUCT_REBIND says how often each driver lets its device go and takes it again.
"""
import os
import re

import pytest

import viaduct_qemu as vq

REBIND = int(os.environ.get("VIADUCT_REBIND", "5"))
MIB = 8
SLOTS = {"lines": (4, 5, 8), "messages": (9, 12, 2)}    # line: slot modulo 4


def card(model, name, slot):
    return ["-netdev", f"user,id={name}", "-device", f"{model},netdev={name},bus=pcie.0,addr=0x{slot:x},romfile="]


def devices(guest, disk):
    nvme, e1000e, e1000 = SLOTS[guest]
    return ["-drive", f"file={disk.path},if=none,format=raw,id=disk-{guest}",
            "-device", f"nvme,serial={guest},drive=disk-{guest},bus=pcie.0,addr=0x{nvme:x}"] + \
        card("e1000e", f"{guest}-e1000e", e1000e) + card("e1000", f"{guest}-e1000", e1000)


def declared(guest, extra):
    names = ("disk", "nic", "old")
    return [vq.Device(n, f"0000:00:{slot:02x}.0", extra="allow-no-reset;" + (extra if n != "old" else ""))
            for n, slot in zip(names, SLOTS[guest])]


@pytest.fixture(scope="module", params=["3", "2"])
def run(request, work, server):
    gic = request.param
    disks = {g: vq.Disk(f"{work}/irq-{gic}-{g}.img", seed) for seed, g in enumerate(SLOTS, 61)}
    options = f"viaduct.mib={MIB} viaduct.url={server.url} viaduct.rebind={REBIND}"
    tests = ["disk", "rebind", "nics", "off"]
    share = "allow-shared-msi-frame;" if gic == "2" else ""
    guests = [vq.linux("lines", tests, options=f"pci=nomsi {options}", devices=declared("lines", 'intx = "on";')),
              vq.linux("messages", tests, options=options, cpus=2, devices=declared("messages", share))]
    machine = vq.Machine(f"interrupts-{gic}", gic=gic, smp=3,
                         devices=devices("lines", disks["lines"]) + devices("messages", disks["messages"]))
    with machine.start(guests, timeout=180 + 3 * REBIND) as r:
        r.disks, r.gic = disks, gic
        yield r.wait()


@pytest.fixture(params=list(SLOTS))
def name(request):
    return request.param


def interrupts(run, name):
    lines = [x for x in run.guest(name) if x.startswith("after:")]
    assert lines, run.tail(name)
    return lines


def test_data_is_right_before_and_behind_each_rebind(run, name):
    disk = run.disks[name]
    assert run.result(name, "disk-read")["sha256"] == disk.sum(MIB)
    assert disk.read(vq.PATTERN_OFFSET, 4096 * 64) == vq.Disk.pattern(name)
    for driver in ("nvme", "e1000e", "e1000"):
        assert run.result(name, f"rebind-{driver}")["times"] == str(REBIND)
    assert run.result(name, "rebind-nvme")["sha256"] == disk.sum(1)


def test_network(run, server, name):
    for driver in ("e1000e", "e1000"):
        result = run.result(name, f"nic-{driver}")
        assert result["received"] == "3" and result["sha256"] == server.sha256, result


def test_by_line(run):
    lines = interrupts(run, "lines")
    assert all("Level" in x and "MSI" not in x for x in lines), lines
    assert [x for x in lines if "nvme" in x and int(x.split()[2]) > 100], lines
    assert len([x for x in lines if "eth" in x and int(x.split()[2]) > 100]) >= 2, lines


def test_by_message(run):
    lines = interrupts(run, "messages")
    assert [x for x in lines if "nvme0q1" in x and "MSI" in x and "Level" not in x], lines
    for device, kind in (("00:02.0", "MSI"), ("00:03.0", "Level")):
        counts = [int(n) for x in lines if "eth" in x and kind in x for n in x.split()[2:4]]
        assert sum(counts) > 100, (device, lines)


def test_the_plan_says_which(run):
    plan = "\n".join(run.viaduct())
    assert len(re.findall(r"messages: +INTx +none: another guest uses its line; MSI stays", plan)) == 2, plan
    frame = re.findall(r"(?:lines|messages): +MSI +trapped .*GICv2m frame 0x8020000, \d+ vectors", plan)
    assert len(frame) == (4 if run.gic == "2" else 0), plan
    assert plan.count("NOT isolated from each other") == (2 if run.gic == "2" else 0), plan


def test_nothing_is_left_over(run):
    for guest in SLOTS:
        assert run.ended(guest), run.tail(guest)
        # One line is one interrupt on one CPU: all but this is as with MSI-X.
        assert [r.test for r in run.results(guest) if not r.ok] in ([], ["disk-msix"]), run.results(guest)
    assert not [x for x in run.viaduct() if "refused:" in x], run.tail()
    assert run.ended_by_itself, run.tail()
