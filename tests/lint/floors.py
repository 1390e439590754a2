#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves the order of the floors: code calls its own floor and lower ones (docs/architecture.md).

Usage: tests/lint/floors.py [BUILD]        behind a build

The undefined symbols of every object are looked up in the objects that define them. A call
upwards must be registered from above as a callback; the callbacks are printed. First the checker
compiles a file that calls upwards, plants it in common/lib and sees that it is refused.
"""
import os
import re
import subprocess
import sys
import tempfile

import ctokens

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
CROSS = os.environ.get("CROSS_COMPILE", "aarch64-linux-gnu-")

# Ground to roof. A line holds the directories of one floor; each may call those to its right in
# the same line, with its subdirectories, but not those to its left.
FLOORS = (
    ("arch/arm64/port",),
    ("common/lib",),
    ("drivers/serial", "drivers/irqchip", "drivers/rtc"),
    ("drivers/pci", "drivers/iommu"),
    ("common/vm",),
    ("common/vgic",),
    ("common/plan",),
    ("vpci",),
    ("common/guest",),
    ("arch/arm64",),
)
# What goes up by the linker, and why.
BINDINGS = {
    "panic": "ends the machine; it must work before any callback is registered",
    "assert_failed": "the same, for ASSERT",
    "arch_window_read": "the port's windows use the tables of EL2's memory map",
    "arch_window_write": "the same",
}
LIBRARY = re.compile(r"^(fdt_\w+|mem(cpy|move|set|cmp|chr)|str(len|nlen|cmp|ncmp|chr|rchr|toul)|"
                     r"inflate\w*|__stack_chk_\w+|_GLOBAL_OFFSET_TABLE_)$")


def place(source):
    """(floor, place in it, directory) of a source file; the longest directory that fits."""
    found = None
    for level, names in enumerate(FLOORS):
        for at, name in enumerate(names):
            if source.startswith(name + "/") and (not found or len(name) > len(found[2])):
                found = (level, at, name)
    return found


def sources():
    with open("objects.mk", encoding="utf-8") as f:
        return re.findall(r"^\s+([\w/]+\.[cS])", f.read(), re.M)


def symbols(source, path):
    """(defined, undefined) global symbols of an object."""
    out = subprocess.run([CROSS + "nm", "-g", path], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    rows = [line.split() for line in out.splitlines()]
    return ({r[2]: source for r in rows if len(r) == 3}, {r[1] for r in rows if r[0] == "U"})


def violations(defined, needed):
    """Sentences: who calls upwards, or what nobody defines."""
    for source in sorted(needed):
        here = place(source)
        if not here:
            yield f"{source} is on no floor"
            continue
        for symbol in sorted(needed[source]):
            if symbol in BINDINGS or LIBRARY.match(symbol):
                continue
            owner = defined.get(symbol)
            if not owner:
                if here[2].startswith("arch/"):
                    continue    # the linker script, or the library
                yield f"{source} needs {symbol}, which nobody defines"
                continue
            there = place(owner)
            if there[0] > here[0] or (there[0] == here[0] and there[1] < here[1]):
                yield f"{source} ({here[2]}) calls {symbol} of {owner} ({there[2]}) upwards"


def planted(defined, needed):
    """Whether a planted call from common/lib to common/guest is seen."""
    with tempfile.TemporaryDirectory() as tmp:
        with open(f"{tmp}/planted.c", "w", encoding="ascii") as f:
            f.write("void build_guests(void);\nvoid planted(void);\n"
                    "void planted(void)\n{\n\tbuild_guests();\n}\n")
        subprocess.run([CROSS + "gcc", "-c", "-o", f"{tmp}/planted.o", f"{tmp}/planted.c"],
                       check=True)
        more, undefined = symbols("common/lib/planted.c", f"{tmp}/planted.o")
    found = list(violations({**defined, **more}, {**needed, "common/lib/planted.c": undefined}))
    return any("planted.c (common/lib) calls build_guests" in line for line in found)


def callbacks():
    """The functions of include/hv by which upper floors register what lower ones call."""
    texts = {}
    for directory, _, names in os.walk("include/hv"):
        for name in sorted(names):
            with open(os.path.join(directory, name), encoding="utf-8") as f:
                texts[name] = ctokens.strip(f.read())
    handlers = re.findall(r"^typedef [^;(]*?(\w+)\(", "\n".join(texts.values()), re.M)
    takes = re.compile(r"\(\*|struct \w*callbacks |\b(?:" + "|".join(handlers) + r") \*")
    prototype = re.compile(r"^(?:[a-z]\w* )+(?:__must_check )?\*?(\w+)\(([^;{]*)\);", re.M)
    for name, text in sorted(texts.items()):
        for m in prototype.finditer(text):
            if takes.search(m[2]):
                yield f"{m[1]}() of <hv/{name}>"


def main():
    os.chdir(ROOT)
    build = sys.argv[1] if len(sys.argv) > 1 else "build"
    defined, needed = {}, {}
    for source in sources():
        here, needed[source] = symbols(source, f"{build}/{source}.o")
        defined.update(here)
    if not planted(defined, needed):
        print("floors: the checker does not see a planted upward call")
        return True
    found = list(violations(defined, needed))
    for line in found:
        print(f"floors: {line}")
    for level, names in reversed(list(enumerate(FLOORS))):
        count = sum(place(s)[0] == level for s in needed if place(s))
        print(f"floors: {level} {', '.join(names):30} {count:3} files")
    for symbol, why in BINDINGS.items():
        print(f"floors: bound by the linker: {symbol}: {why}")
    for line in callbacks():
        print(f"floors: registered from above: {line}")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
