# SPDX-License-Identifier: Apache-2.0
"""Unaligned accesses to BAR memory mapped Normal-NC by the guest: the default lets them work, and
with memory-type = "device" the guest gets an alignment abort and goes on. Two CPUs: with one QEMU
never looks at alignment. cortex-a72 has no FWB, max has."""
import pytest

import viaduct_qemu as vq
from payloads import assert_ok, guest

ACCESSES = 7    # of tests/guests/align.c, for each CPU and device


@pytest.mark.parametrize("cpu", ["cortex-a72", "max"])
def test_stage_2_decides_about_alignment(cpu, work):
    types = ["", 'memory-type = "device";',
             'memory-type = "device", "device", "normal-nc", "device", "device", "device";']
    devices = [vq.Device(f"dev{i}", f"0000:00:0{i + 1}.0", extra="allow-no-reset; " + t) for i, t in enumerate(types)]
    machine = vq.Machine(f"align-{cpu}", cpu=cpu, smp=2,
                         devices=[a for i in range(3) for a in vq.memory(f"{i + 1}.0", f"{work}/{cpu}-{i}", "2M")])
    with machine.start([guest("g", "align", "align.fault=010", cpus=2, devices=devices)], timeout=60) as run:
        run.wait()
    lines = assert_ok(run, "g", "align")
    for n, faults in enumerate((False, True, False)):
        seen = [x for x in lines if f" device={n} " in x and " at=" in x]
        assert len(seen) == 2 * ACCESSES
        assert all(("esr=0 ok" in x) != faults for x in seen), seen
    assert run.ended_by_itself, run.tail()
