# SPDX-License-Identifier: Apache-2.0
"""A device that storms faults is quarantined, whatever its guest writes, until it is reset. What the
hardware holds is read from outside: the device's COMMAND, and how many events the SMMU recorded."""
import re

import viaduct_qemu as vq
from payloads import assert_ok, guest
from qmp import Qmp, qmp_option

ECAM, SMMU_EVENTQ_PROD = 0x4010000000, 0x090600a8
COMMAND = ECAM + (1 << 20) + 4          # of 01:00.0, behind the root port
DIARY = ('diary { compatible = "xen,domain-shared-memory-v1"; xen,shm-id = "storm"; role = "owner"; '
         'xen,shared-mem = <0 0x80000000 0 0x1000>; };')


def look(qmp):
    """COMMAND of the device, and the index of the next event."""
    return qmp.registers(COMMAND, 1)[0] & 0xffff, qmp.registers(SMMU_EVENTQ_PROD, 1)[0]


def test_a_storm_is_quarantined_until_a_reset(work):
    disk, monitor = vq.Disk(f"{work}/storm.img"), f"{work}/storm.qmp"
    machine = vq.Machine("storm", smp=2, devices=vq.root_port(1, 1) + vq.nvme(disk.path, "rp1"),
                         extra=qmp_option(monitor))
    guests = [guest("bad", "storm", extra=DIARY, devices=[vq.Device("nvme", "0000:00:01.0/00.0")]),
              guest("good", "victim", "beats=60")]
    with machine.start(guests, timeout=120) as run:
        qmp = Qmp(monitor)
        assert run.wait_line("PAYLOAD storm: phase=quarantined", "bad"), run.tail()
        quarantined, events = look(qmp)
        assert run.wait_line("PAYLOAD storm: phase=tried", "bad"), run.tail()
        tried, events_tried = look(qmp)
        assert run.wait_line("PAYLOAD storm: phase=back", "bad"), run.tail()
        back, _ = look(qmp)
        qmp.close()
        run.wait()
    lines = assert_ok(run, "bad", "storm")
    assert [x for x in lines if x.startswith("life=")] == ["life=1", "life=2"]
    assert len([x for x in lines if x == "works at first ok"]) == 2, "the guest's restart brings it back"
    assert quarantined & 4 == 0 and tried & 4 == 0, "bus mastering is on"
    assert tried & 0x400, "INTx is enabled"
    assert events_tried == events, "the SMMU still records its faults"
    assert back & 4, "bus mastering is off after the reset"
    said = [x for x in run.viaduct() if "quarantined" in x]
    assert len(said) == 4, said           # two storms in each of two lives
    assert all(re.search(r"\bbad: device 0000:01:00\.0 .*more than 1024 refused DMA", x) for x in said), said
    assert_ok(run, "good", "victim")
    assert run.ended_by_itself, run.tail()
