# SPDX-License-Identifier: Apache-2.0
"""Guest RAM that answers EL2 with an external abort, as memory with an uncorrectable error does.

QEMU has no such memory. A debugger stops EL2 where it copies from or to a guest's RAM, and gives it an
address that faults: the CPU takes the same exception. The guest bears it; its neighbour does not notice.
"""
import re

import viaduct_qemu as vq
from payloads import guest
from test_crash import BAD, both_go_on, debugged, idle, symbol
from test_restart import diary


PROPERTY_LINE = 64      # bytes of the LPI property table that EL2 reads at once


def poison(attach, function, register, chosen=lambda gdb: True):
    """At the first call of `function` that is `chosen`, register becomes an address that faults."""
    gdb = attach()
    for _ in range(500):
        gdb.run_to(symbol(function))
        if chosen(gdb):
            break
        gdb.step()
    else:
        assert False, f"no call of {function}() is the one that is wanted"
    gdb.write(register, BAD)
    gdb.detach()


def test_an_its_queue_that_cannot_be_read():
    wild = guest("wild", "itswild", "itswild.lives=1000", cpus=2, extra=diary("wild"),
                 devices=[vq.Device("edu", "0000:00:05.0", extra="allow-no-reset;")])
    with debugged("poison-queue", guests=[wild, idle("two")], smp=4,
                  devices=["-device", "edu,addr=5,dma_mask=0xffffffffffff"]) as (run, attach):
        # x2 is the size: other reads are of an LPI's property, and only disable that LPI.
        poison(attach, "guarded_read", 1, chosen=lambda gdb: gdb.read(2) != PROPERTY_LINE)
        assert run.wait_line("the queue stands still", "wild", seconds=30), run.tail()
        both_go_on(run, ("two",))
        assert not run.find("fault in EL2"), run.tail()


def test_a_restart_into_ram_that_cannot_be_written():
    again = guest("again", "lives", "lives.times=1000 lives.end=reset lives.beats=1", extra=diary("again"))
    with debugged("poison-ram", guests=[again, idle("two")], smp=3) as (run, attach):
        poison(attach, "guarded_zero", 0)
        assert run.wait_line(r"^viaduct: .*again: cannot start again: its images cannot be loaded", seconds=20), run.tail()
        assert run.wait_line(r"^viaduct: .*again: off", seconds=20), run.tail()
        both_go_on(run, ("two",))
        assert not run.find("fault in EL2"), run.tail()
        assert len([x for x in run.viaduct() if re.search("again: starts again", x)]) >= 1, run.tail()


def test_images_are_not_mapped_at_el2():
    """What the debugger reads, it reads through EL2's tables. A restart loads from the same image."""
    again = guest("again", "lives", "lives.times=1000 lives.end=reset lives.beats=1", extra=diary("again"))
    with debugged("images-unmapped", guests=[again, idle("two")], smp=3) as (run, attach):
        images = [int(re.search(r"kernel +PA 0x([0-9a-f]+)", x)[1], 16)
                  for x in run.viaduct() if re.search(r"kernel +PA 0x", x)]
        assert len(images) == 2, run.tail()
        gdb = attach()
        gdb.run_to(symbol("console_put"))
        assert gdb.memory32(symbol("console_put"))
        for image in images:
            assert gdb.ask(f"m{image:x},4").startswith("E"), f"the image at 0x{image:x} is mapped"
        gdb.detach()
        assert run.wait_line(r"^viaduct: .*again: starts again", seconds=20), run.tail()
        assert run.wait_line("life=", "again", seconds=20), run.tail()
        both_go_on(run, ("two",))
