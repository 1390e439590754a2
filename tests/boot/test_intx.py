# SPDX-License-Identifier: Apache-2.0
"""Lines: level interrupts of a payload guest, MSI around them, and a neighbour whose device never stops."""
import re

import pytest

import viaduct_qemu as vq
from payloads import assert_ok, guest

IRQS, BEATS = 10000, 60
# QEMU's GICv2 looks again at a level that stayed only when something else happens there.
HELD = {"3": 20000, "2": 50}
NO_RESET = "allow-no-reset;"


def edu(slot):
    return ["-device", f"edu,addr={slot},dma_mask=0xffffffffffff"]


def assigned(label, slot, extra=""):
    return vq.Device(label, f"0000:00:{slot:02x}.0", extra=NO_RESET + extra)


@pytest.fixture(scope="module", params=["3", "2"])
def run(request):
    """Slots 2 and 6 share one line of the four; slot 3 has its own. Messages: ITS, or GICv2m."""
    machine = vq.Machine(f"intx-lines-{request.param}", gic=request.param, devices=edu(2) + edu(3) + edu(6))
    guests = [guest("lines", "intx", f"intx.irqs={IRQS}", devices=[assigned("a", 2), assigned("b", 6)]),
              guest("holds", "intx", f"intx.hold={HELD[request.param]}", devices=[assigned("c", 3, 'msi = "off";')]),
              guest("victim", "victim", f"beats={BEATS}")]
    with machine.start(guests, timeout=90) as r:
        r.held = HELD[request.param]
        yield r.wait()


def test_level_interrupts_none_lost_none_spurious(run):
    lines = assert_ok(run, "lines", "intx")
    assert f"many raised={IRQS} irqs={IRQS} without-status=0 ok" in lines
    assert "shared irqs=200 without-status=0 ok" in lines
    assert "masked early=0 irqs=1 without-status=0 ok" in lines


def test_msi_on_and_off_around_the_line_in_every_order(run):
    orders = [x for x in assert_ok(run, "lines", "intx") if x.startswith("order ")]
    assert len(orders) == 32 and len({x.split(" before=")[0] for x in orders}) == 32
    assert all(x.endswith("before=1 still=1 after=1 ok") for x in orders)


def test_a_device_that_stays_asserted_is_its_guests_own_trouble(run):
    assert f"irqs={run.held} without-status=0 ok" in assert_ok(run, "holds", "intx")[1]
    beats = [x for x in assert_ok(run, "victim", "victim") if x.startswith("beat=")]
    assert beats == [f"beat={i} unchanged ok" for i in range(1, BEATS + 1)]
    assert run.ended_by_itself, run.tail()


def test_without_an_msi_controller_there_is_the_line():
    """And guests collide: only one of two can have it."""
    machine = vq.Machine("intx-only", devices=edu(2) + edu(6))  # with its=off QEMU has no edu
    guests = [guest("one", "intx", "intx.irqs=100 intx.hold=10", devices=[assigned("a", 2)]),
              guest("two", "intx", devices=[assigned("b", 6)])]
    with machine.start(guests, "&{/pcie@10000000} { /delete-property/ msi-map; };", timeout=60) as run:
        run.wait()
    assert_ok(run, "one", "intx")
    assert run.find(r"^viaduct: one: +MSI +none: no MSI controller serves it"), run.tail()
    assert re.search(r'guest "two" .*refused: 0000:00:06.0 and 0000:00:02.0 of guest "one" both need INTx line SPI \d+;',
                     "\n".join(run.viaduct())), run.tail()


def test_forged_messages_on_gicv2m():
    """A frame does not tell senders apart, but it has no SPI of anybody else's, and nobody else is in it.

    0x450 is 80 again: a frame looks at ten bits.
    """
    machine = vq.Machine("v2m-forged", gic="2", devices=edu(2) + edu(3))
    guests = [guest("forges", "edu", f"edu.irqs=100 edu.forge=0x{0x8020040:x}", devices=[assigned("a", 2)]),
              guest("lines", "intx", "intx.irqs=30000", devices=[assigned("b", 3, 'msi = "off";')]),
              guest("victim", "victim", "beats=20")]
    with machine.start(guests, timeout=90) as run:
        run.wait()
    lines = assert_ok(run, "forges", "edu")
    assert "forged=10 irqs=3 ok" in lines and "msi written by the cpu irqs=0 ok" in lines, lines
    assert [x for x in lines if re.match(r"msi intid=\d+ raised=100 irqs=100 without-status=0 ok", x)], lines
    assert [x for x in run.guest("lines") if "many raised=30000 irqs=30000 without-status=0 ok" in x], run.tail("lines")
    assert_ok(run, "victim", "victim")
    assert not [x for x in run.viaduct() if "panic" in x or "frame" in x and "not used" in x], run.tail()
    assert run.ended_by_itself, run.tail()
