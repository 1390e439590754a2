# SPDX-License-Identifier: Apache-2.0
"""MSI-X of many vectors, direct and trapped: QEMU's NVMe controller under a payload that asks for each."""
import re

import pytest

import viaduct_qemu as vq
from payloads import assert_ok, bare, guest

DISK = "0000:00:0%d.0"


def controller(at, queues):
    """An NVMe controller at device AT with a vector for each queue; its disk is endless zeros."""
    return ["-drive", f"driver=null-co,read-zeroes=on,if=none,id=null{at}",
            "-device", f"nvme,serial=null{at},drive=null{at},addr={at},max_ioqpairs={queues},msix_qsize={queues + 1}"]


def nvme(name, at, bootargs, msi, cpus=1):
    return guest(name, "nvme", bootargs, cpus=cpus,
                 devices=[vq.Device("nvme", DISK % at, extra=f'msi = "{msi}"; allow-no-reset;')])


def exits(run, name, vcpu=0):
    """The counters that Viaduct prints at a guest's end."""
    line = run.find(rf"^viaduct: {name}: vCPU {vcpu} exits: .*")
    assert line, run.tail()
    return {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", line)}


def test_bare_nvme():
    """The payload's own proof: on the bare machine every check holds."""
    with bare("bare-nvme", "nvme", "nvme.queues=64", cpus=2, devices=controller(1, 64)) as run:
        run.wait()
    assert_ok(run, "", "nvme")


@pytest.fixture(scope="module")
def vectors():
    """Three guests at once: the same payload direct, trapped, and with hundreds of vectors."""
    devices = controller(1, 64) + controller(2, 64) + controller(3, 600)
    guests = [nvme("direct", 1, "nvme.queues=64 nvme.reads=500 nvme.forge=1", "direct", 2),
              nvme("trapped", 2, "nvme.queues=64 nvme.forge=1", "trapped", 2),
              nvme("many", 3, "nvme.queues=600 nvme.reads=100", "auto")]
    with vq.Machine("msi-vectors", smp=5, devices=devices).start(guests, timeout=120) as run:
        yield run.wait()


@pytest.mark.parametrize("name, mode", [("direct", "direct"), ("trapped", "trapped"), ("many", "direct")])
def test_every_vector_arrives_once(vectors, name, mode):
    lines = assert_ok(vectors, name, "nvme")
    queues = 600 if name == "many" else 64
    for start in ("table ", "masked ", "unmasked ", "function-mask ", "function-unmask ", "at-once ", "disabled "):
        assert [x for x in lines if x.startswith(start) and x.endswith(" ok")], (start, lines)
    assert f"unmasked irqs={queues} not-once=0 pending=0 ok" in lines
    assert [x for x in lines if x.startswith("off=1 while-off irqs=0 on-again irqs=1 ")] or name == "many"
    assert vectors.find(rf"^viaduct: {name}: +MSI +{mode}, ITS, DeviceID 0x[0-9a-f]+, {queues + 1} vectors"), \
        vectors.tail()


def test_forged_entries_reach_nothing(vectors):
    """Events that the device does not have and addresses that are no doorbell. What a direct table's entry points
    to is the SMMU's to refuse, unless it is the guest's own RAM; a trapped one is masked until it is a doorbell."""
    for name, irqs, in_ram in (("direct", 1, 5), ("trapped", 2, 0)):
        assert f"forged bad=0 irqs={irqs} in-ram={in_ram} ok" in assert_ok(vectors, name, "nvme")
    faults = [re.search(r"(\w+): device \S+.* IPA 0x([0-9a-f]+) refused", x) for x in vectors.viaduct()]
    doorbell = 0x02010040
    assert sorted((m[1], int(m[2], 16)) for m in faults if m) == \
        [("direct", doorbell - 0x10040 + 0x88), ("direct", doorbell + 0x1000), ("direct", 0x300000000)]


def test_masks_are_exits_only_where_trapped(vectors):
    direct, trapped = exits(vectors, "direct"), exits(vectors, "trapped")
    assert trapped["mmio"] - direct["mmio"] > 64 * 8, (direct, trapped)
    assert direct["msi"] > 500


@pytest.fixture(scope="module")
def reads():
    """Two guests that differ in how much they read, and two more with a trapped table."""
    devices = [x for at in (1, 2, 3, 4) for x in controller(at, 2)]
    args = "nvme.queues=2 nvme.only-reads=1 nvme.reads="
    guests = [nvme("few", 1, args + "1000", "direct"), nvme("lots", 2, args + "2000", "direct"),
              nvme("few-trapped", 3, args + "1000", "trapped"), nvme("lots-trapped", 4, args + "2000", "trapped")]
    # A CPU without a guest takes the UART's interrupts, which would be exits of somebody else's.
    with vq.Machine("msi-reads", smp=5, devices=devices).start(guests, timeout=120) as run:
        yield run.wait()


@pytest.mark.parametrize("kind", ["", "-trapped"])
def test_io_takes_no_exit_but_its_interrupt(reads, kind):
    for name in ("few", "lots"):
        assert_ok(reads, name + kind, "nvme")
    few, lots = exits(reads, "few" + kind), exits(reads, "lots" + kind)
    assert lots.pop("msi") - few.pop("msi") == 1000
    few.pop("timer"), lots.pop("timer")  # EL2's own: the console
    assert abs(few.pop("kick") - lots.pop("kick")) <= 1  # who starts the guest may come late
    assert lots == few, "an exit that is not the device's interrupt"


@pytest.fixture(scope="module")
def forged():
    """A guest that forges, beside one that takes a thousand interrupts meanwhile."""
    devices = ["-device", "edu,addr=1,dma_mask=0xffffffffffff"] + controller(2, 31) + controller(3, 8)
    guests = [guest("forger", "forge", "forge.events=32", devices=[
                  vq.Device("edu", "0000:00:01.0", extra="allow-no-reset;"),
                  vq.Device("nvme", "0000:00:02.0", extra="allow-no-reset;")]),
              nvme("victim", 3, "nvme.queues=8 nvme.reads=1000", "auto")]
    with vq.Machine("msi-forged", devices=devices).start(guests, timeout=120) as run:
        yield run.wait()


def test_forged_messages_arrive_nowhere(forged):
    lines = assert_ok(forged, "forger", "forge")
    for start in ("cpu-writes irqs=0 foreign=0", "dma-writes irqs=0 foreign=0",
                  "bad-queues stalled=3", "own last irqs=1 foreign=0"):
        assert [x for x in lines if x.startswith(start) and x.endswith(" ok")], (start, lines)
    assert len([x for x in lines if x.startswith("long-queue=")]) == 7


def test_the_neighbour_gets_its_own_interrupts_only(forged):
    lines = assert_ok(forged, "victim", "nvme")
    assert "reads=1000 irqs=1000 failed=0 ok" in lines and "spurious=0 ok" in lines


def test_forgery_is_told_briefly(forged):
    lines = [x for x in forged.viaduct() if re.match(r"(?:warning: )?forger: ITS ", x)]
    assert 1 <= len(lines) <= 32, forged.tail()
    assert forged.find(r"^viaduct: forger: \d+ more lines were not printed")
