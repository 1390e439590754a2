# SPDX-License-Identifier: Apache-2.0
"""Two guests and one DMA engine: the attacker's device reaches its own RAM and nothing else.

The addresses to attack are the host's: they are read from the plan that a first boot prints; the
second boot differs only in the digits of its command line, so everything lies at the same place,
which is asserted. What the attack did to memory is seen from outside, through QEMU's pmemsave.
"""
import gzip
import re
import struct

import pytest

import viaduct_qemu as vq
from payloads import assert_ok, guest, payload_lines
from qmp import Qmp, qmp_option

OUTSIDE = 0x300000000          # no RAM on this machine, and below every window of the bridge
MEMORY = 32 << 20
ATTACKER_RAM = range(0x40000000, 0x40000000 + MEMORY)
VICTIM_BEATS = 60
SMMU = 0x09050000


def boot(name, work, targets, timeout=90):
    """Attacker with edu, and a victim; targets are addresses, printed at a fixed width."""
    monitor = f"{work}/{name}.qmp"
    machine = vq.Machine(name, devices=["-device", "edu,addr=2,dma_mask=0xffffffffffff"],
                         extra=qmp_option(monitor))
    args = "edu.irqs=100 edu.target=" + ",".join(f"0x{t:016x}" for t in targets)
    guests = [guest("attacker", "edu", args, devices=[vq.Device("edu", "0000:00:02.0", extra="allow-no-reset;")]),
              guest("victim", "victim", f"beats={VICTIM_BEATS}")]
    return machine.start(guests, timeout=timeout), monitor


def planned(run, name, what):
    """The PA that the plan prints for the RAM or kernel of a guest."""
    line = run.find(rf"^viaduct: {name}: +{what} .*PA 0x[0-9a-f]+")
    assert line, run.tail()
    return int(re.search(r"PA (0x[0-9a-f]+)", line)[1], 16)


@pytest.fixture(scope="module")
def attack(work):
    """One attacked boot: the run, and what lay at the targets after the attack."""
    run, _ = boot("edu-plan", work, [0, 0, 0])
    with run:
        assert run.wait_line(r"^viaduct: ticks of ", seconds=60), run.tail()
    ram, module = planned(run, "victim", "RAM"), planned(run, "victim", "kernel")
    targets = {"ram": ram + (6 << 20), "module": module + 4096, "outside": OUTSIDE}
    for target in targets.values():
        assert target not in ATTACKER_RAM, "this address is the attacker's own"
    run, monitor = boot("edu-attack", work, targets.values())
    with run:
        assert run.wait_line(r"PAYLOAD edu: (ok|failures)", "attacker"), run.tail()
        beats = len(payload_lines(run, "victim", "victim"))
        assert planned(run, "victim", "RAM") == ram and planned(run, "victim", "kernel") == module
        qmp = Qmp(monitor)
        seen = {k: qmp.memory(t, 4096, f"{work}/memory") for k, t in targets.items() if k != "outside"}
        qmp.close()
        run.wait()
    run.targets, run.seen, run.victim_ram, run.beats_before = targets, seen, ram, beats
    return run


def test_device_works_in_its_own_guest(attack):
    """DMA both ways with IPA != PA, INTx, MSI, INTx again, and DMA again behind the attacks."""
    lines = assert_ok(attack, "attacker", "edu")
    assert planned(attack, "attacker", "RAM") != ATTACKER_RAM.start
    assert len([x for x in lines if x.startswith("dma ") and x.endswith("wrong=0 ok")]) == 2
    for kind in ("intx", "msi", "msi-again", "intx-behind-msi"):
        assert [x for x in lines if re.match(rf"{kind} intid=\d+ raised=100 irqs=100 without-status=0 ok", x)], kind
    assert "msi bus-master-off irqs=0 ok" in lines
    assert "msi written by the cpu irqs=0 ok" in lines


def test_every_attempt_is_reported_once_and_names_the_guest(attack):
    for what, target in attack.targets.items():
        lines = [x for x in attack.viaduct() if re.search(rf"IPA 0x0*{target:x}\b", x)]
        assert len(lines) == 1, (what, lines)
        assert re.match(r"(?:warning: )?attacker: device \S*00:02\.0\b.* DMA write to IPA 0x[0-9a-f]+ refused: \S", lines[0]), lines
    assert len([x for x in attack.viaduct() if " refused: " in x and "DMA" in x]) == len(attack.targets)


def test_memory_of_the_others_is_unchanged(attack):
    image_start = re.search(r"pattern=([0-9a-f]+)\+([0-9a-f]+)",
                            "\n".join(payload_lines(attack, "victim", "victim")))
    first, size = (int(x, 16) for x in image_start.groups())
    ipa = ATTACKER_RAM.start + attack.targets["ram"] - attack.victim_ram
    words = [int.from_bytes(attack.seen["ram"][i:i + 8], "little") for i in range(0, 4096, 8)]
    # The victim's whole RAM is at one PA; its pattern is a function of the IPA. Behind it is scrubbed.
    inside = first <= ipa < first + size
    expect = [(ipa + 8 * i) * 0x9e3779b97f4a7c15 & (1 << 64) - 1 if inside else 0 for i in range(512)]
    assert words == expect
    with open(f"{vq.BUILD}/guests/victim.bin", "rb") as f:
        assert f.read()[4096:8192] == attack.seen["module"][:4096]


def test_the_victim_goes_on(attack):
    lines = assert_ok(attack, "victim", "victim")
    beats = [x for x in lines if x.startswith("beat=")]
    assert beats == [f"beat={i} unchanged ok" for i in range(1, VICTIM_BEATS + 1)]
    assert attack.beats_before < len(lines), "the victim ended before the attack"
    assert attack.ended_by_itself, attack.tail()


def stream_config(qmp, stream, path):
    """(Config, S2VMID) of a StreamID, from the two-level stream table that the SMMU uses (IHI 0070 §5.2)."""
    low, high, cfg = qmp.registers(SMMU + 0x80, 3)
    split = cfg >> 6 & 31
    assert cfg >> 16 & 3 == 1, "not a two-level table"
    table = ((high << 32 | low) & ((1 << 52) - 64)) + 8 * (stream >> split)
    level2 = int.from_bytes(qmp.memory(table, 8, path), "little")
    if not level2 & 31:
        return 0, 0
    entry = (level2 & ((1 << 52) - 64)) + 64 * (stream & ((1 << split) - 1))
    words = struct.unpack("<8Q", qmp.memory(entry, 64, path))
    return words[0] >> 1 & 7 if words[0] & 1 else 0, words[2] & 0xffff


def test_a_guest_refused_when_built_leaves_no_stream(work):
    """Its kernel is a gzip file with a wrong checksum, which shows only when the guest is built."""
    with open(f"{vq.BUILD}/guests/hello.bin", "rb") as f:
        packed = bytearray(gzip.compress(f.read()))
    packed[-8] ^= 1
    with open(f"{work}/broken.gz", "wb") as f:
        f.write(packed)
    edu = "edu,dma_mask=0xffffffffffff,addr="
    machine = vq.Machine("edu-refused", devices=[x for slot in (2, 3, 4) for x in ("-device", edu + str(slot))],
                         extra=qmp_option(f"{work}/refused.qmp"))
    guests = [vq.Guest(name, kernel, memory_mib=32, bootargs="edu.irqs=10 beats=1000000",
                       devices=[vq.Device("edu", f"0000:00:0{slot}.0", extra="allow-no-reset;")])
              for name, kernel, slot in (("culprit", f"{work}/broken.gz", 2),
                                         ("good", f"{vq.BUILD}/guests/edu.bin", 3),
                                         ("stays", f"{vq.BUILD}/guests/victim.bin", 4))]
    with machine.start(guests, timeout=60) as run:
        assert run.wait_line(r"PAYLOAD edu: (ok|failures)", "good"), run.tail()
        qmp = Qmp(f"{work}/refused.qmp")
        refused, _ = stream_config(qmp, 2 << 3, f"{work}/memory")
        stays, vmid = stream_config(qmp, 4 << 3, f"{work}/memory")
        ram = int(re.search(r"culprit: +RAM +PA 0x([0-9a-f]+)", "\n".join(run.viaduct()))[1], 16)
        left = [qmp.memory(ram + at, 4096, f"{work}/memory") for at in range(0, 32 * vq.MIB, vq.MIB // 4)]
        qmp.close()
    assert_ok(run, "good", "edu")
    assert run.find(r'^viaduct: .*"culprit" refused: its images cannot be loaded'), run.tail()
    assert not any(any(page) for page in left), "what was loaded is still in the RAM of the guest that was refused"
    assert refused == 0, "the stream of a guest that was refused is not at abort"
    assert (stays, vmid) == (6, 3), "stage 2, and no VMID that the refused guest had before"
