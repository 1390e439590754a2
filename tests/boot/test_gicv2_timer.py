# SPDX-License-Identifier: Apache-2.0
"""Guests with one vCPU on QEMU's GICv2, which does not look at a line again after a virtual EOI.

Three of them share two host CPUs, so that timers fire between their reprogramming and the EOI all the
time. With hardware-linked list registers most of them sleep for ever before they reach their tests.
"""
import viaduct_qemu as vq


def test_no_guest_loses_its_timer():
    guests = [vq.linux(name, ["cpus", "off"], cpus=1) for name in ("one", "two", "three")]
    with vq.Machine("gicv2-timer", gic="2", memory="2G").start(guests, timeout=240) as run:
        run.wait()
    assert any("looks at a line only when it is written to" in line for line in run.viaduct()), run.tail()
    assert sum("EL2 ends its interrupts" in line for line in run.viaduct()) == 3, run.tail()
    for guest in guests:
        assert all(r.ok for r in run.results(guest.name)) and run.results(guest.name), (guest.name, run.tail())
    assert run.ended_by_itself, run.tail()
