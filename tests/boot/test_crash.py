# SPDX-License-Identifier: Apache-2.0
"""A crash of EL2 itself, made from outside through QEMU's gdbstub: the product has no hook for it.

Two guests run; a CPU is stopped where Viaduct takes a character from the UART of one, and a register
is broken. What comes out must say what happened, where, and how EL2 came there, and stop everything.
"""
import contextlib
import os
import re
import subprocess

import pytest

import gdb_remote
import viaduct_qemu as vq

IMAGE_AT = vq.RAM_BASE + 2 * vq.MIB     # where QEMU's -kernel puts an Image without text offset
BAD = 0xbadc0de0000
KEPT = 0x123456789abcdef0
EL2H = 9
SMMU_CR0, SMMU_GBPA = 0x09050020, 0x09050044    # QEMU's virt; IHI 0070 §6.3
SMMUEN, GBPA_ABORT = 1, 1 << 20
IRQ_FROM_GUEST, FIQ_FROM_GUEST, SERROR_FROM_GUEST = 0x480, 0x500, 0x580     # DDI 0487 D1.3.1.4
SLOT = 16384                            # CPU_STACK_SLOT: an unmapped page, then the stack


def symbol(name):
    out = subprocess.run(["aarch64-linux-gnu-nm", f"{vq.VIADUCT}.elf"], check=True, stdout=subprocess.PIPE, text=True)
    return IMAGE_AT + int(re.search(rf"^(\w+) [tT] {name}$", out.stdout, re.M)[1], 16)


def idle(name):
    return vq.Guest(name, f"{vq.BUILD}/guests/idle.bin", memory_mib=32, bootargs="beats=100000")


@contextlib.contextmanager
def debugged(name, chosen="", extra=(), guests=None, smp=2, **more):
    """Boots guests that beat, "one" and "two" by default; yields the run and a function that attaches to its gdbstub."""
    path = f"{vq.BUILD}/boot-logs/{name}.gdb"
    if os.path.exists(path):
        os.unlink(path)
    machine = vq.Machine(name, smp=smp, extra=["-chardev", f"socket,id=gdb,path={path},server=on,wait=off",
                                             "-gdb", "chardev:gdb", *extra], **more)
    guests = guests or [idle(n) for n in ("one", "two")]
    with machine.start(guests, chosen=chosen, timeout=60) as run:
        assert all(run.wait_line("beat=2", guest.name) for guest in guests
                   if guest.name in ("one", "two")), run.tail()
        yield run, lambda: gdb_remote.Remote(path)


def break_console(gdb, register, value):
    """Stops in console_put(), breaks the register, lets it run into it."""
    gdb.run_to(symbol("console_put"))
    assert gdb.read(gdb_remote.CPSR) & 0xf == EL2H
    assert gdb.read(0) in (1, 2), "not the ring of a guest"
    gdb.write(27, KEPT)
    gdb.write(register, value(gdb.read(register)) if callable(value) else value)


def crash_in_console(name, register, value):
    with debugged(name) as (run, attach):
        gdb = attach()
        break_console(gdb, register, value)
        gdb.detach()
        assert run.wait_line(r"^viaduct: error: stopped", seconds=20), run.tail()
        run.pump(seconds=1)     # the CPUs stop behind that line
        at = len(run.lines)
        run.pump(seconds=1.5)
        assert len(run.lines) == at, "a guest goes on after the crash:\n" + run.tail()
    return run


def dump(run):
    """The console from the crash on, through tools/symbolise."""
    done = subprocess.run([f"{vq.ROOT}/tools/symbolise", "-e", f"{vq.VIADUCT}.elf", run.machine.log], check=True,
                          stdout=subprocess.PIPE, text=True)
    lines = [line for line in done.stdout.split("\n") if line.startswith("viaduct: error: ")]
    return [line[len("viaduct: error: "):] for line in lines]


def registers(lines):
    found = re.findall(r"\bx(\d+) +0x([0-9a-f]{16})\b", "\n".join(lines))
    return {int(n): int(v, 16) for n, v in found}


def frames(lines):
    return [m[1] for line in lines if (m := re.match(r"  #\d+ 0x[0-9a-f]{16}  (.*)", line))]


def came_from_the_guests_uart(stack):
    assert re.search(r"\bcommon/guest/vuart.c:\d+", stack[1]), stack
    assert any(re.search(r"\btrap_data_abort arch/arm64/trap.c:\d+", frame) for frame in stack[2:]), stack
    assert re.search(r"\bguest_sync arch/arm64/vectors.S:\d+", stack[-1]), stack


def test_bad_pointer():
    run = crash_in_console("crash-pointer", 1, BAD)     # the text
    lines = dump(run)
    head = next(line for line in lines if line.startswith("fault in EL2"))
    assert re.match(r"fault in EL2 on CPU [01]: data abort, translation, ESR 0x9600000[4-7]$", head), head
    where = next(line for line in lines if line.startswith("PC "))
    far = int(re.search(r"FAR 0x([0-9a-f]+)", where)[1], 16)
    assert BAD <= far < BAD + 4096, where
    seen = registers(lines)
    assert sorted(seen) == list(range(31)), seen
    assert BAD in seen.values() and seen[27] == KEPT, seen
    stack = frames(lines)
    assert re.search(r"\b(console|ring)_put drivers/serial/console\.c:\d+", stack[0]), stack
    came_from_the_guests_uart(stack)


def test_wild_jump():
    """As after a call of a bad function pointer: its caller is named although it is in x30 only."""
    run = crash_in_console("crash-jump", gdb_remote.PC, BAD)
    lines = dump(run)
    assert any(re.match(r"fault in EL2 on CPU [01]: instruction abort, translation, ESR 0x8600000[4-7]$", line)
               for line in lines), lines
    assert any(re.match(rf"PC 0x{BAD:x} SP 0x[0-9a-f]+ FAR 0x{BAD:x} ", line) for line in lines), lines
    assert registers(lines)[27] == KEPT
    stack = frames(lines)
    assert stack[0].startswith("??"), stack
    came_from_the_guests_uart(stack)


def test_stack_overflow():
    """No room on the stack: the vector cannot use it either, and says so on another one."""
    run = crash_in_console("crash-stack", gdb_remote.SP, lambda sp: sp // SLOT * SLOT + 4096)
    lines = dump(run)
    assert any(re.match(r"fault in EL2 on CPU [01]: data abort, translation, ESR 0x9600004[4-7]$", line)
               for line in lines), lines
    assert "its stack is full" in lines, lines
    where = re.match(r"PC 0x[0-9a-f]+ SP 0x([0-9a-f]+) FAR 0x([0-9a-f]+) ",
                     next(line for line in lines if line.startswith("PC ")))
    sp, far = int(where[1], 16), int(where[2], 16)
    assert far % SLOT < 4096 and sp // SLOT == far // SLOT and abs(sp - far) < 1024, (sp, far)
    seen = registers(lines)
    assert sorted(seen) == list(range(31)) and seen[27] == KEPT and seen[0] in (1, 2), seen
    stack = frames(lines)
    assert re.search(r"\b(console|ring)_put drivers/serial/console\.c:\d+", stack[0]), stack
    came_from_the_guests_uart(stack)


def test_reset_with_dma_stopped():
    """viaduct,on-fault = "reset": QEMU is told to stop where the machine would be reset, and looked at."""
    with debugged("crash-reset", chosen='viaduct,on-fault = "reset";\n',
                  extra=["-action", "reboot=shutdown,shutdown=pause"]) as (run, attach):
        gdb = attach()
        gdb.run_to(symbol("console_put"))
        assert gdb.memory32(SMMU_CR0) & SMMUEN, "it translates while guests run"
        gdb.write(1, BAD)
        gdb.detach()
        assert run.wait_line(r"^viaduct: error: the other CPUs are parked, DMA is stopped: reset", seconds=20), run.tail()
        at = len(run.lines)
        run.pump(seconds=1.5)
        assert len(run.lines) == at, "something goes on:\n" + run.tail()
        gdb = attach()
        assert not gdb.memory32(SMMU_CR0) & SMMUEN and gdb.memory32(SMMU_GBPA) & GBPA_ABORT
        assert run.find(r"^viaduct: error: fault in EL2"), run.tail()
        status = gdb.ask("?")
        assert status, "QEMU is gone"


def enter_as(gdb, vector):
    """Makes another exception of the next interrupt that a guest takes."""
    gdb.run_to(symbol("vectors") + IRQ_FROM_GUEST)
    gdb.write(gdb_remote.PC, symbol("vectors") + vector)


def test_a_fiq_is_not_the_end():
    """Each guest gets one: it is told of, and both go on."""
    with debugged("fiq") as (run, attach):
        gdb = attach()
        enter_as(gdb, FIQ_FROM_GUEST)
        gdb.detach()
        assert run.wait_line(r"^viaduct: .*(one|two): FIQ on CPU [01]", seconds=20), run.tail()
        both_go_on(run)
        assert not run.find("fault in EL2"), run.tail()


def both_go_on(run, names=("one", "two")):
    count = {name: len(run.guest(name)) for name in names}
    run.pump(seconds=3)
    for name in names:
        new = run.guest(name)[count[name]:]
        assert [line for line in new if "beat=" in line], f"{name} stands still:\n" + run.tail()


def serror(aet):
    return 0x2f << 26 | 1 << 25 | aet << 10 | 0x11


@pytest.mark.parametrize("aet, what", [(0, "uncontainable, the guest is stopped"), (3, "passed to the guest"),
                                       (6, "nothing is lost")])
def test_an_serror_is_as_bad_as_it_says(aet, what):
    """ESR_EL2.AET of a CPU with RAS. The guest is told, stopped, or not disturbed; the other never notices."""
    with debugged(f"serror-{aet}", cpu="neoverse-n1") as (run, attach):
        gdb = attach()
        enter_as(gdb, SERROR_FROM_GUEST)
        gdb.run_to(symbol("trap_serror"))
        gdb.write(1, serror(aet))
        gdb.detach()
        line = run.wait_line(rf"^viaduct: .*(one|two): SError, ESR 0xbe00.*{what}", seconds=20)
        assert line, run.tail()
        hit, other = ("one", "two") if run.find(r"^viaduct: .*one: SError") else ("two", "one")
        both_go_on(run, (other,))
        told = [x for x in run.guest(hit) if "unexpected vector=7" in x]
        assert len(told) == (1 if aet == 3 else 0), run.tail()
        assert not [x for x in run.guest(other) if "unexpected vector" in x]
        if aet == 6:
            both_go_on(run)
        assert not run.find("fault in EL2"), run.tail()
