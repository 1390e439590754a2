# SPDX-License-Identifier: Apache-2.0
"""What EL2 writes only while it boots cannot be written behind that, and all that it calls is there.

A debugger reads EL2's own tables (DDI 0487 D8.3) and all memory that they let EL2 write; in none of it
may the address of a function be, but on stacks. Then it lets EL2 write to what is read-only.
"""
import re
import struct
import subprocess

import pytest

import gdb_remote
import viaduct_qemu as vq
from payloads import guest
from test_crash import EL2H, IMAGE_AT, debugged, dump, idle, symbol
from test_restart import diary

VALID, TABLE, READ_ONLY = 1, 2, 1 << 7
ADDRESS = (1 << 48) - (1 << 12)
NORMAL = 0          # index of MAIR_EL2
WINDOWS, STACKS = 256 << 39, 257 << 39     # above the identity map


def symbols():
    out = subprocess.run(["aarch64-linux-gnu-nm", f"{vq.VIADUCT}.elf"], check=True, stdout=subprocess.PIPE, text=True)
    return {m[2]: (IMAGE_AT + int(m[0], 16), m[1]) for m in re.findall(r"^(\w+) (\w) (\S+)$", out.stdout, re.M)}


def read(gdb, address, size):
    data = b""
    while size:
        n = min(size, 0x400)
        data += bytes.fromhex(gdb.ask(f"m{address + len(data):x},{n:x}"))
        size -= n
    return data


def leaves(gdb, table, level, base=0):
    """(VA, size, descriptor) of each page and block but for windows."""
    for i, pte in enumerate(struct.unpack("<512Q", read(gdb, table, 4096))):
        at, size = base + (i << 39 - 9 * level), 1 << 39 - 9 * level
        if not pte & VALID or WINDOWS <= at < STACKS:
            continue
        if level < 3 and pte & TABLE:
            yield from leaves(gdb, pte & ADDRESS, level + 1, at)
        else:
            yield at, size, pte


def is_written(pte):
    return not pte & READ_ONLY and pte >> 2 & 7 == NORMAL


def test_seeds_of_firmware_are_wiped():
    """All secrets come of them. QEMU makes rng-seed anew; the tree as firmware left it is not mapped any more."""
    seed = bytes(range(0x81, 0xa1))
    cells = " ".join(f"0x{int.from_bytes(seed[i:i + 4], 'big'):x}" for i in range(0, 32, 4))
    with debugged("readonly-seeds", chosen=f"viaduct,stay-on; kaslr-seed = <{cells}>;\n") as (run, attach):
        gdb = attach()
        gdb.run_to(symbol("console_put"))
        where = [f"0x{at:x}" for at, size, pte in leaves(gdb, symbols()["el2_root"][0], 0)
                 if pte >> 2 & 7 == NORMAL and seed[:16] in read(gdb, at, size)]
        gdb.detach()
        assert not run.find("guests get no seeds"), "it was not read"
    assert not where, where


def pages_of_stacks_out(mapped, stacks):
    """What of the identity map is no stack: blocks that hold one come as pages."""
    for at, size, pte in mapped:
        if at >= STACKS:
            continue
        if not any(at <= page < at + size for page in stacks):
            yield at, size, pte
        else:
            yield from ((page, 4096, pte) for page in range(at, at + size, 4096) if page not in stacks)


@pytest.fixture(name="stopped", scope="module")
def stopped_fixture():
    devices = guest("pci", "itswild", "itswild.lives=1000", cpus=2, extra=diary("pci"),
                    devices=[vq.Device("edu", "0000:00:05.0", extra="allow-no-reset;")])
    with debugged("readonly", guests=[devices, idle("two")], smp=4,
                  devices=["-device", "edu,addr=5,dma_mask=0xffffffffffff"]) as (_, attach):
        gdb = attach()
        gdb.run_to(symbol("console_put"))
        assert gdb.read(gdb_remote.CPSR) & 0xf == EL2H
        yield gdb


def test_no_function_is_named_in_memory_that_is_written(stopped):
    known = symbols()
    functions = {at: name for name, (at, kind) in known.items()
                 if kind in "tT" and known["_start"][0] < at < known["_text_end"][0]}
    mapped = list(leaves(stopped, known["el2_root"][0], 0))
    stacks = {pte & ADDRESS for at, _, pte in mapped if at >= STACKS}
    stacks |= set(range(known["boot_stack"][0], known["_end"][0], 4096))
    found, seen = [], 0
    for at, size, pte in pages_of_stacks_out(mapped, stacks):
        if not is_written(pte):
            continue
        seen += size
        words = struct.unpack(f"<{size // 8}Q", read(stopped, at, size))
        found += [f"0x{at + 8 * i:x}: {functions[w]}" for i, w in enumerate(words) if w in functions]
    assert seen >= 1 << 20, "own memory was not looked at"
    assert not found, "\n".join(found)


def test_what_is_constant_is_mapped_read_only(stopped):
    known = symbols()
    where = {at: (size, pte) for at, size, pte in leaves(stopped, known["el2_root"][0], 0)}

    def pte_of(address):
        return next(pte for at, (size, pte) in where.items() if at <= address < at + size)
    for name in ("slots", "vms", "ring_inputs", "el2_root", "rings"):
        assert pte_of(known[name][0]) & READ_ONLY, name
    vms = struct.unpack("<Q", read(stopped, known["vms"][0], 8))[0]
    assert pte_of(vms) & READ_ONLY, "memory for constants"
    assert not pte_of(struct.unpack("<Q", read(stopped, vms, 8))[0]) & READ_ONLY, "a guest's state changes"


@pytest.mark.parametrize("where", ["slots", "el2_root", "vms"])
def test_a_write_is_a_fault_of_el2(where):
    target = symbols()[where][0]
    with debugged(f"readonly-{where}") as (run, attach):
        gdb = attach()
        gdb.run_to(symbol("console_put"))
        assert gdb.read(gdb_remote.CPSR) & 0xf == EL2H
        for register, value in ((0, target), (1, 0), (2, 8), (gdb_remote.PC, symbol("memset"))):
            gdb.write(register, value)
        gdb.detach()
        assert run.wait_line(r"^viaduct: error: stopped", seconds=20), run.tail()
        lines = dump(run)
        assert any(re.match(r"fault in EL2 on CPU [01]: data abort, permission, ESR 0x960000[0-9a-f]{2}$", x)
                   for x in lines), lines
        assert any(f"FAR 0x{target:x} " in x for x in lines), lines
