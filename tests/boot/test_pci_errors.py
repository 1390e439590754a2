# SPDX-License-Identifier: Apache-2.0
"""Devices that go wrong: hot removal, error messages, cards that come back. From outside (QMP) a device is taken from a
guest, breaks, or is put back, while another guest's device works on."""
import re
import time

import pytest

import viaduct_qemu as vq
from payloads import assert_ok, guest, payload_lines
from qmp import Qmp, qmp_option

DIARY = ('diary { compatible = "xen,domain-shared-memory-v1"; xen,shm-id = "gone"; role = "owner"; '
         'xen,shared-mem = <0 0x80000000 0 0x1000>; };')
PORT1, PORT2 = "0000:00:01.0", "0000:00:02.0"


def disk(path, name):
    """A block device that stays where it is when its controller goes."""
    return ["-blockdev", f"driver=file,node-name={name},filename={path}"]


def nvme(name, bus):
    return ["-device", f"nvme,id=nvme-{bus},serial={name},drive={name},bus={bus}"]


class Wrong:
    """A machine with a disk for `bad`, behind root port 1, and one for `good`, behind root port 2."""

    def __init__(self, work, name, bad, timeout=150):
        self.monitor = f"{work}/{name}.qmp"
        disks = [vq.Disk(f"{work}/{name}-{n}.img", 40 + n) for n in (1, 2)]
        machine = vq.Machine(name, smp=3, extra=qmp_option(self.monitor), devices=vq.root_port(1, 1) +
                             vq.root_port(2, 2) + disk(disks[0].path, "d1") + disk(disks[1].path, "d2") +
                             nvme("d1", "rp1") + nvme("d2", "rp2"))
        bad.devices = [vq.Device("nvme", f"{PORT1}/00.0")]
        good = guest("good", "gone", "gone.steady=100000", devices=[vq.Device("nvme", f"{PORT2}/00.0")])
        self.run = machine.start([bad, good, guest("victim", "victim", "beats=100000")], timeout=timeout)
        self.qmp = Qmp(self.monitor)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.qmp.close()
        self.run.close()

    def wait(self, pattern, guest=None, times=1, seconds=40):
        def seen(r):
            lines = r.lines if guest is None else r.guest(guest)
            return len([x for x in lines if re.search(pattern, x)]) >= times
        assert self.run.pump(seen, seconds), (pattern, self.run.tail())

    def slots(self):
        """The devices behind root port 1, as QEMU has them."""
        return [d for d in self.qmp.command("qom-list", path="/machine/peripheral") if d["name"] == "nvme-rp1"]

    def remove(self):
        self.qmp.command("device_del", id="nvme-rp1")

    def wait_removed(self):
        assert self.run.pump(lambda r: not self.slots(), 20), "device_del does not complete"

    def add(self, driver="nvme", **more):
        if driver == "nvme":
            more = {"serial": "d1", "drive": "d1", **more}
        until = time.monotonic() + 10
        while True:
            try:
                self.qmp.command("device_add", driver=driver, id="nvme-rp1", bus="rp1", **more)
                return
            except AssertionError:      # QEMU has not let go of the old one's disk yet
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)

    def error(self, device, status, correctable=False):
        answer = self.qmp.monitor(f"pcie_aer_inject_error {'-c ' if correctable else ''}{device} 0x{status:x}")
        assert "OK" in answer, answer

    def said(self, pattern):
        return [x for x in self.run.viaduct() if re.search(pattern, x)]

    def assert_good(self):
        """The neighbour's disk works, and its memory is as it was."""
        beats = len(payload_lines(self.run, "victim", "victim"))
        assert self.run.pump(lambda r: len(payload_lines(r, "victim", "victim")) > beats, 20), self.run.tail("victim")
        for name, payload in (("good", "gone"), ("victim", "victim")):
            assert not [x for x in payload_lines(self.run, name, payload) if x.endswith("FAIL")], self.run.tail(name)
        assert not self.said(r"\bgood: device"), self.run.tail()


def test_a_disk_is_taken_and_comes_back(work):
    """The slot's button: 5 s for a guest that does not let go, then power off, and device_del completes. The card comes
    back, and a reset by the guest takes it. Then the port is told of errors."""
    bad = guest("bad", "gone", "gone.times=3")
    with Wrong(work, "gone-flr", bad) as w:
        w.wait("phase=works", "bad")
        w.remove()
        w.wait(r"bad: device 0000:01:00\.0: its slot 0000:00:01\.0 is to be switched off")
        w.wait(r"bad: device 0000:01:00\.0: switched off with slot 0000:00:01\.0")
        w.wait("phase=lost id=ffffffff csts=ffffffff ok", "bad")
        w.wait_removed()
        w.add()
        w.wait(r"bad: device 0000:01:00\.0: there is a card in slot 0000:00:01\.0 again")
        w.wait("phase=back", "bad")
        w.wait("phase=works", "bad", 2)
        w.error("rp1", 1 << 12)
        w.wait(r"bad: device 0000:01:00\.0: non-fatal error \(poisoned TLP, status 0x00001000\) of its port 0000:00:01\.0")
        w.wait("phase=lost id=101b36", "bad")
        w.wait("phase=back", "bad", 2)
        w.wait("phase=works", "bad", 3)
        w.error("rp1", 1, correctable=True)
        w.wait(r"pci: 0000:00:01\.0: correctable error \(receiver, status 0x00000001\)")
        w.error("rp1", 1 << 18)
        w.wait(r"bad: device 0000:01:00\.0: fatal error \(malformed TLP, status 0x00040000\) of its port 0000:00:01\.0")
        w.wait("phase=lost id=101b36", "bad", 2)
        w.wait("phase=back", "bad", 3)
        w.assert_good()
        assert_ok(w.run, "bad", "gone")
