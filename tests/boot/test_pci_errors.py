# SPDX-License-Identifier: Apache-2.0
"""Devices that go wrong: hot removal, error messages, cards that come back. From outside (QMP) a device is taken from a
guest, breaks, or is put back, while another guest's device works on."""
import re
import time

import viaduct_qemu as vq
from gdb_remote import Remote
from payloads import assert_ok, guest, payload_lines
from qmp import Qmp, qmp_option

DIARY = ('diary { compatible = "xen,domain-shared-memory-v1"; xen,shm-id = "gone"; role = "owner"; '
         'xen,shared-mem = <0 0x80000000 0 0x1000>; };')
PORT1, PORT2 = "0000:00:01.0", "0000:00:02.0"
SLOT_CONTROL = 0x4010000000 + (1 << 15) + 0x54 + 0x18      # of root port 1


def disk(path, name):
    """A block device that stays where it is when its controller goes."""
    return ["-blockdev", f"driver=file,node-name={name},filename={path}"]


def nvme(name, bus):
    return ["-device", f"nvme,id=nvme-{bus},serial={name},drive={name},bus={bus}"]


def wait_removed(run, qmp, name):
    """device_del completes when the slot has no power."""
    def is_removed(_):
        return name not in [d["name"] for d in qmp.command("qom-list", path="/machine/peripheral")]
    assert run.pump(is_removed, 20), "device_del does not complete"


def add(qmp, **device):
    until = time.monotonic() + 10
    while True:
        try:
            qmp.command("device_add", **device)
            return
        except AssertionError:      # QEMU has not let go of the old one's disk yet
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


class Wrong:
    """A machine with a disk for `bad`, behind root port 1, and one for `good`, behind root port 2."""

    def __init__(self, work, name, bad, timeout=150, extra=()):
        self.monitor = f"{work}/{name}.qmp"
        disks = [vq.Disk(f"{work}/{name}-{n}.img", 40 + n) for n in (1, 2)]
        machine = vq.Machine(name, smp=3, extra=qmp_option(self.monitor) + list(extra), devices=vq.root_port(1, 1) +
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

    def remove(self):
        self.qmp.command("device_del", id="nvme-rp1")

    def wait_removed(self):
        wait_removed(self.run, self.qmp, "nvme-rp1")

    def add(self, driver="nvme"):
        more = {"serial": "d1", "drive": "d1"} if driver == "nvme" else {}
        add(self.qmp, driver=driver, id="nvme-rp1", bus="rp1", **more)

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


def power_off_slot(path):
    """Surprise removal: QEMU takes the card when Slot Control says off, which is written behind everybody's back."""
    gdb = Remote(path)
    gdb.must("Qqemu.PhyMemMode:1")
    gdb.must(f"M{SLOT_CONTROL:x},2:0007")
    gdb.detach()


def test_a_restart_takes_the_same_disk_only(work):
    """The card vanishes without a word. Another kind of card in its place stays away from the guest, which starts
    without it; the next start with the old one finds it."""
    stub = f"{work}/gone-restart.gdb"
    bad = guest("bad", "gone", "gone.restart=1 gone.times=2", extra=DIARY)
    with Wrong(work, "gone-restart", bad, extra=["-gdb", f"unix:{stub},server=on,wait=off"]) as w:
        w.wait("phase=works", "bad")
        power_off_slot(stub)
        w.wait(r"bad: device 0000:01:00\.0: gone from port 0000:00:01\.0", seconds=10)
        w.wait("phase=lost id=ffffffff csts=ffffffff ok", "bad")
        w.wait_removed()
        w.wait("bad: starts without device 0000:01:00.0")
        w.add("virtio-rng-pci")
        w.wait(r"there is a card in slot 0000:00:01\.0 again")
        starts = len(w.said("starts without device"))
        w.wait("bad: starts without device 0000:01:00.0", times=starts + 2)
        w.remove()
        w.wait_removed()
        w.add()
        w.wait("phase=works", "bad", 2)
        w.assert_good()
        assert not [x for x in payload_lines(w.run, "bad", "gone") if x.endswith("FAIL")], w.run.tail("bad")


def test_linux_loses_its_devices_and_finds_them_again(work, server):
    """Errors that the NIC itself reports, and FLR by sysfs; a disk that its driver lets go of first, and a reboot."""
    monitor = f"{work}/gone-linux.qmp"
    disks = [vq.Disk(f"{work}/gone-linux-{n}.img", 50 + n) for n in (1, 2)]
    machine = vq.Machine("gone-linux", smp=2, extra=qmp_option(monitor), devices=vq.root_port(1, 1) +
                         vq.root_port(2, 2) + vq.root_port(3, 3) + disk(disks[0].path, "d1") +
                         disk(disks[1].path, "d3") + nvme("d1", "rp1") + nvme("d3", "rp3") +
                         ["-netdev", "user,id=net"] + vq.virtio("net", "rp2", ",netdev=net,aer=on,id=nic,romfile="))
    guests = [vq.linux("linux", ["disk", "nics", "shell", "nics", "shell", "reboot"],
                       options=f"viaduct.mib=4 viaduct.url={server.url}",
                       devices=[vq.Device("nvme", f"{PORT1}/00.0"), vq.Device("nic", f"{PORT2}/00.0")]),
              guest("good", "gone", "gone.steady=100000", devices=[vq.Device("nvme", "0000:00:03.0/00.0")])]
    with machine.start(guests, timeout=420) as run:
        qmp = Qmp(monitor)
        nic = "/sys/bus/pci/devices/0000:00:02.0"
        assert run.pump(lambda r: len(r.results("linux", "nic-virtio_net")) == 1), run.tail("linux")
        run.send("echo 1st-$((1+1))\n")
        assert run.wait_line("1st-2", "linux"), run.tail("linux")
        qmp.monitor("pcie_aer_inject_error -c nic 0x40")
        assert run.wait_line(r"linux: device 0000:02:00\.0: 1 correctable errors \(bad TLP, status 0x00000040\)"), run.tail()
        qmp.monitor("pcie_aer_inject_error nic 0x1000")
        assert run.wait_line(r"linux: device 0000:02:00\.0: non-fatal error \(poisoned TLP, status 0x00001000\); no DMA"), \
            run.tail()
        run.send(f"echo 0000:00:02.0 > {nic}/driver/unbind; echo 1 > {nic}/reset; "
                 "echo 0000:00:02.0 > /sys/bus/pci/drivers/virtio-pci/bind; exit\n")
        assert run.pump(lambda r: len(r.results("linux", "nic-virtio_net")) == 2), run.tail("linux")
        run.send("echo 1 > /sys/bus/pci/devices/0000:00:01.0/remove; echo let-go-$((1+1))\n")
        assert run.wait_line("let-go-2", "linux"), run.tail("linux")
        qmp.command("device_del", id="nvme-rp1")
        assert run.wait_line(r"linux: device 0000:01:00\.0: switched off with slot"), run.tail()
        wait_removed(run, qmp, "nvme-rp1")
        add(qmp, driver="nvme", id="nvme-rp1", bus="rp1", serial="d1", drive="d1")
        assert run.wait_line(r"linux: device 0000:01:00\.0: there is a card in slot"), run.tail()
        run.send("exit\n")
        assert run.pump(lambda r: len(r.results("linux", "nic-virtio_net")) == 3), run.tail("linux")
        qmp.close()
    assert [r["sha256"] for r in run.results("linux", "nic-virtio_net")] == 3 * [server.sha256]
    assert [r["sha256"] for r in run.results("linux", "disk-read")] == 2 * [disks[0].sum(4)], run.tail("linux")
    assert not [x for x in payload_lines(run, "good", "gone") if x.endswith("FAIL")], run.tail("good")
