#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table of attacks, as the rows ATTACK(name, flags, what, mending, where) in tests/attack/*.c say.

Usage: tests/attack/attacks.py [PREFIX]     prints it
"""
import glob
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROW = re.compile(r'^ATTACK\((\w+),\s*([\w\s|]+),\s*((?:"[^"]*"\s*)+),\s*((?:"[^"]*"\s*)+),\s*((?:"[^"]*"\s*)+)\)', re.M)

# Attacks that still break through, and why: each runs in a boot of its own and is expected to fail.
BREAKS = {
}


class Attack:
    def __init__(self, source, row):
        self.source, self.name, self.flags = source, row[1], row[2].replace(" ", "").split("|")
        self.what, self.mending, self.where = ("".join(re.findall(r'"([^"]*)"', row[i])) for i in (3, 4, 5))
        self.known_to_break = self.name in BREAKS

    def possible(self, gic):
        """On a machine with this version of the GIC?"""
        return not (gic == "2" and ("NEED_ITS" in self.flags or "NEED_V3" in self.flags)) and \
            not (gic == "3" and "NEED_V2" in self.flags)

    def chosen(self, only):
        """Is it in the list "a,b_"? A name that ends in '_' stands for all that begin so."""
        return not only or any(self.name == o or (o.endswith("_") and self.name.startswith(o)) for o in only.split(","))


def table():
    """All attacks; fuzz_everything has tests of its own."""
    found = []
    for path in sorted(glob.glob(os.path.join(HERE, "*.c"))):
        with open(path, encoding="utf-8") as f:
            found += [Attack(os.path.basename(path), m) for m in ROW.finditer(f.read())]
    return [a for a in found if a.name != "fuzz_everything"]


def main():
    rows = [a for a in table() if len(sys.argv) < 2 or a.name.startswith(sys.argv[1])]
    for a in rows:
        print(f"{a.name}\n    tries:   {a.what}\n    stopped: {a.mending} ({a.where})" +
              (f"\n    BREAKS:  {BREAKS[a.name]}" if a.known_to_break else ""))
    print(f"{len(rows)} attacks")


if __name__ == "__main__":
    main()
