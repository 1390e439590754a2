# SPDX-License-Identifier: Apache-2.0
"""A guest writes all of its config space with every width and several patterns. What the hardware
holds is read from outside, through QEMU's monitor, at the physical ECAM: before, after, and when
the guest has given its functions their values back."""
import re
import struct

import pytest

import viaduct_qemu as vq
from payloads import assert_ok, guest, payload_lines
from qmp import Qmp, qmp_option

ECAM, ECAM_BUSES = 0x4010000000, 8
DOORBELL = 0x2010040            # as the devices of a guest see it; shown in the plan
RW1C_STATUS, RW_COMMAND = 0xf900, 0x0406
PHASES = ("before", "scanned", "restored")


class Function:
    """The 4 KiB of one function as the hardware has them."""

    def __init__(self, data):
        self.data = data

    def u(self, off, size=4):
        return int.from_bytes(self.data[off:off + size], "little")

    @property
    def id(self):
        return f"{self.u(0, 2):04x}:{self.u(2, 2):04x}"

    def capabilities(self):
        """{ID: offset}, both lists; an extended one is ID + 0x10000."""
        found, at = {}, self.u(0x34, 1) if self.u(6, 2) & 0x10 else 0
        while at and at not in found.values():
            found[self.u(at, 1)] = at
            at = self.u(at + 1, 1) & 0xfc
        at = 0x100 if self.u(0x100) not in (0, 0xffffffff) else 0
        while at and at not in found.values():
            found[0x10000 + self.u(at, 2)] = at
            at = self.u(at + 2, 2) >> 4
        return found

    def may_change(self):
        """A mask of the bits that a guest moves in the device, by what they are for."""
        mask = bytearray(4096)

        def allow(off, bits, size=4):
            value = int.from_bytes(mask[off:off + size], "little") | bits
            mask[off:off + size] = value.to_bytes(size, "little")

        # MEM, bus master, INTx disable; INTx status is what the device says; errors are cleared.
        allow(4, RW_COMMAND | (RW1C_STATUS | 8) << 16)
        caps = self.capabilities()
        if 0x01 in caps:
            allow(caps[0x01] + 4, 3)                    # D0 and D3hot
        if 0x05 in caps:
            at, control = caps[0x05], self.u(caps[0x05] + 2, 2)
            allow(at + 2, 0x71, 2)                      # on, and how many
            allow(at + 4, 0xffffffff)                   # see msi_target
            if control & 0x80:
                allow(at + 8, 0xffffffff)
            allow(at + (12 if control & 0x80 else 8), 0xffff, 2)
            if control & 0x100:
                allow(at + 16, 0xffffffff)              # masks
        if 0x11 in caps:
            allow(caps[0x11] + 2, 0xc000, 2)            # on, function mask
        if 0x10 in caps:
            allow(caps[0x10] + 8, 0x7010)               # read request size, relaxed ordering
            allow(caps[0x10] + 10, 0xf, 2)              # errors are cleared
            allow(caps[0x10] + 0x28, 0x30f)             # completion timeout, ID-based ordering
        if 0x10001 in caps:
            allow(caps[0x10001] + 4, 0xffffffff)        # AER: errors are cleared
            allow(caps[0x10001] + 16, 0xffffffff)
        return bytes(mask)

    def msi_target(self):
        at = self.capabilities().get(0x05)
        return at and (self.u(at + 4) | (self.u(at + 8) << 32 if self.u(at + 2, 2) & 0x80 else 0))

    def msix_table(self):
        """(BAR, offset, entries)"""
        at = self.capabilities().get(0x11)
        return at and (self.u(at + 4) & 7, self.u(at + 4) & ~7, (self.u(at + 2, 2) & 0x7ff) + 1)

    def bar(self, n):
        low = self.u(0x10 + 4 * n)
        return (low & ~15) | (self.u(0x14 + 4 * n) << 32 if low & 6 == 4 else 0)


class Snapshot:
    """Every function of the machine, and the MSI-X tables of those that decode."""

    def __init__(self, qmp, path):
        self.functions, self.tables = {}, {}
        data = qmp.memory(ECAM, ECAM_BUSES << 20, path)
        for at in range(0, len(data), 4096):
            if data[at:at + 4] not in (b"\xff\xff\xff\xff", bytes(4)):
                bus, devfn = at >> 20, at >> 12 & 0xff
                self.functions[f"{bus:02x}:{devfn >> 3:02x}.{devfn & 7}"] = Function(data[at:at + 4096])
        for place, f in self.functions.items():
            table = f.msix_table()
            pm = f.capabilities().get(0x01)
            if table and f.u(4, 2) & 2 and not (pm and f.u(pm + 4) & 3):
                self.tables[place] = qmp.memory(f.bar(table[0]) + table[1], 16 * table[2], path)


def devices(disks):
    return vq.root_port(1, 1) + vq.nvme(disks[0].path, "rp1") + vq.root_port(2, 2) + vq.nic("e1000e", "rp2") + \
        vq.root_port(3, 3) + vq.nic("igb", "rp3") + \
        vq.root_port(4, 4) + vq.bridge("pcie-pci-bridge", "pb", "rp4") + \
        vq.virtio("rng", "pb", ",addr=2.0") + vq.nic("e1000", "pb", ",addr=3.0") + \
        vq.root_port(5, 5) + vq.virtio_blk(disks[1].path, "rp5", "scanned", ",ats=on") + \
        ["-device", "edu,addr=6,dma_mask=0xffffffffffff", "-device", "edu,addr=7,dma_mask=0xffffffffffff"] + \
        vq.root_port(8, 8) + vq.nvme(disks[2].path, "rp8") + vq.testdev("9.0")


# Scanned: one of each kind. The neighbour has an edu, nobody the second NVMe and the pci-testdev.
SCANNED = {"nvme": "0000:00:01.0/00.0", "e1000e": "0000:00:02.0/00.0", "igb": "0000:00:03.0/00.0",
           "rng": "0000:00:04.0/00.0/02.0", "e1000": "0000:00:04.0/00.0/03.0", "blk": "0000:00:05.0/00.0",
           "edu": "0000:00:06.0"}


@pytest.fixture(scope="module")
def scan(work):
    """The run, with `seen`: a Snapshot for each phase."""
    disks = [vq.Disk(f"{work}/config-{i}.img", 60 + i) for i in range(3)]
    monitor = f"{work}/config.qmp"
    machine = vq.Machine("config", devices=devices(disks),
                         extra=qmp_option(monitor) + ["-d", "unimp,guest_errors"])
    # Tables of MSI-X that are the guest's own would hold what it wrote. e1000 has no messages at all.
    scanned = [vq.Device(k, v, extra="allow-no-reset;" + ('msi = "trapped";' if k != "e1000" else ""))
               for k, v in SCANNED.items()]
    guests = [guest("scan", "cfgscan", devices=scanned),
              guest("neighbour", "edu", "edu.irqs=2000",
                    devices=[vq.Device("edu", "0000:00:07.0", extra='allow-no-reset; intx = "off";')])]
    with machine.start(guests, timeout=100) as run:
        run.seen, qmp = {}, None
        for phase in PHASES:
            assert run.wait_line(rf"PAYLOAD cfgscan: {phase}$", "scan"), run.tail("scan")
            qmp = qmp or Qmp(monitor)
            run.seen[phase] = Snapshot(qmp, f"{work}/ecam")
            run.send("g")
        qmp.close()
        yield run.wait()


def scanned_places(run):
    plan = "\n".join(run.viaduct())
    return set(re.findall(r"scan: +device +0000:(\S+) ", plan))


def test_every_function_is_seen_from_outside(scan):
    before = scan.seen["before"].functions
    assert len(scanned_places(scan)) == len(SCANNED) and scanned_places(scan) <= set(before)
    assert len(before) == 10 + 8, sorted(before)        # on the root bus, behind ports and the bridge
    assert scan.find(r"writes=\d{5}", "scan")
    nvme = next(p for p, f in before.items() if f.id == "1b36:0010" and p in scanned_places(scan))
    assert nvme in scan.seen["before"].tables


@pytest.mark.parametrize("phase", PHASES[1:])
def test_nothing_outside_the_policy_changed(scan, phase):
    before, after = (scan.seen[p].functions for p in ("before", phase))
    assert set(before) == set(after)
    bad = []
    for place, f in before.items():
        mine, edu = place in scanned_places(scan), place == "00:07.0"
        mask = f.may_change() if mine or edu else bytes(4096)
        for off in range(0, 4096, 4):
            changed = (f.u(off) ^ after[place].u(off)) & ~struct.unpack_from("<I", mask, off)[0]
            if changed:
                bad.append(f"{place} [{f.id}] at {off:03x}: was {f.u(off):08x}, is {after[place].u(off):08x}")
    assert not bad, "\n".join(bad)


def test_messages_go_to_the_doorbell_only(scan):
    for phase in PHASES:
        for place in scanned_places(scan):
            target = scan.seen[phase].functions[place].msi_target()
            assert target in (None, 0, DOORBELL), f"{phase}: {place} sends to {target:x}"


def test_message_tables_hold_what_was_chosen_for_them(scan):
    """MSI-X tables of nvme, e1000e, igb, rng and blk: Viaduct's address in each entry, nothing unmasked."""
    before = scan.seen["before"].tables
    tables = [before[place] for place in scanned_places(scan) if place in before]
    assert len(tables) == 5, sorted(before)
    entries = [struct.unpack_from("<QII", table, at) for table in tables for at in range(0, len(table), 16)]
    assert all(address == DOORBELL and control & 1 for address, _, control in entries), entries
    for phase in PHASES[1:]:
        assert scan.seen[phase].tables == before, phase


def test_functions_work_again(scan):
    lines = assert_ok(scan, "scan", "cfgscan")
    restored = [x for x in lines if x.startswith("restored function=")]
    assert len(restored) == len(SCANNED) and all(x.endswith("differ=0 ok") for x in restored), restored


def test_accesses_across_their_alignment_abort(scan):
    lines = payload_lines(scan, "scan", "cfgscan")
    assert [x for x in lines if re.match(r"unaligned accesses=\d+ without-abort=0 ok", x)]


def test_the_neighbour_does_not_notice(scan):
    lines = assert_ok(scan, "neighbour", "edu")
    assert [x for x in lines if re.match(r"msi intid=\d+ raised=2000 irqs=2000 without-status=0 ok", x)]


def test_machine_did_not_object(scan):
    """QEMU says so when somebody does what a device does not allow."""
    assert scan.ended_by_itself, scan.tail()
    assert not [x for x in scan.lines if "unimp" in x or "Invalid" in x or "guest error" in x]


# --- sleep and reset ------------------------------------------------------------------------------

@pytest.fixture(scope="module", params=["trapped", "direct"])
def life(work, request):
    disk = vq.Disk(f"{work}/life.img", 70)
    machine = vq.Machine(f"pcilife-{request.param}", devices=vq.root_port(1, 1) + vq.nvme(disk.path, "rp1") + vq.root_port(2, 2) +
                         vq.nic("igb", "rp2") + vq.root_port(3, 3) + vq.nic("e1000e", "rp3"))
    hosts = {"nvme": "0000:00:01.0/00.0", "igb": "0000:00:02.0/00.0", "e1000e": "0000:00:03.0/00.0"}
    assigned = [vq.Device(k, v, extra=f'allow-no-reset; msi = "{request.param}";') for k, v in hosts.items()]
    args = f"life.direct={int(request.param == 'direct')}"
    with machine.start([guest("g", "pcilife", args, devices=assigned)], timeout=60) as run:
        yield run.wait()


def test_bars_of_a_sleeping_function_read_all_ones(life):
    lines = assert_ok(life, "g", "pcilife")
    for device in ("101b36", "10c98086", "10d38086"):
        assert f"asleep id={device} bar=ffffffffffffffff esr=0 ok" in lines, lines
        assert [x for x in lines if x.startswith(f"awake id={device} ") and x.endswith(" ok")]


def test_function_level_reset_gives_everything_back(life):
    lines = assert_ok(life, "g", "pcilife")
    for what in ("flr nvme cap=", "flr reset the nvme csts=0", "flr reset the igb eims=0", "flr and msi-x entry="):
        assert [x for x in lines if x.startswith(what) and x.endswith(" ok")], what
    line = [x for x in lines if re.match(r"igb .* line ", x)]
    assert line == [f"igb {when} line off={off} early={1 - off} irqs=1 ok" for off in (0, 1)
                    for when in ("first", "after sleep", "after flr")] + \
        ["igb behind msi-x line off=0 early=1 irqs=1 ok"]
    assert [x for x in lines if x.startswith("igb ") and "irqs=" in x and x not in line] == \
        [f"igb {when} irqs=10 ok" for when in ("first", "after sleep", "after flr")]
