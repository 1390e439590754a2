#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Refuses a conditional operator inside another one, in C.

Usage: tests/lint/nested.py [FILE...]      without files: every .c and .h of the tree

An early return, an if, a switch, a table or a small function that has a name says the same and can
be read aloud. The checker tries itself on the samples at the end of this file first.
"""
import subprocess
import sys

import ctokens

CONTROL = {"if", "while", "for", "switch"}
ENDS = {";", ",", "return", "case"}
ASSIGNS = {"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="}


class Level:
    """What is known of the operand being read at one depth of brackets."""

    def __init__(self, nested_in=False, control=False):
        self.nested_in = nested_in  # an operand around this bracket belongs to a '?:'
        self.control = control      # the bracket of an if, while, for or switch
        self.open = False           # a '?' stands to the left in this operand
        self.holds = False          # a bracket to the left in this operand holds a '?'


def nested(text):
    """The line of each '?' that stands in an operand of another '?:'."""
    lines, levels, last = [], [Level()], ""
    for line, token in ctokens.tokens(text):
        here = levels[-1]
        if token == "?":
            if here.open or here.holds or here.nested_in:
                lines.append(line)
            here.open = True
        elif token in ("(", "[", "{"):
            levels.append(Level(here.open or here.nested_in, token == "(" and last in CONTROL))
        elif token in (")", "]", "}") and len(levels) > 1:
            inner = levels.pop()
            outer = levels[-1]
            outer.holds = outer.holds or inner.open or inner.holds
            if inner.control or token == "}":
                outer.holds = False
        elif token in ENDS or token == ctokens.DIRECTIVE_END:
            here.open = here.holds = False
        elif token in ASSIGNS:
            here.holds = False
        last = token
    return lines


SAMPLES = (
    ("x = a ? b : c;", 0),
    ("f(a ? b : c, d ? e : g);", 0),
    ("a[i ? 1 : 0] = b ? c : d;", 0),
    ("if (a ? b : c) return d ? e : f;", 0),
    ("if (a ? b : c) { x = d ? e : f; }", 0),
    ("x = a ? b : c; y = d ? e : f;", 0),
    ("s = (struct s){ a ? b : c, d ? e : f };", 0),
    ('x = a ? "b ? c : d" : \'?\'; /* e ? f : g */ // h ? i : j', 0),
    ("#define A(x) ((x) ? 1 : 0)\n#define B(x) ((x) ? 1 : 0)\n", 0),
    ("x = a ? b : c ? d : e;", 1),
    ("x = a ? b ? c : d : e;", 1),
    ("x = (a ? b : c) ? d : e;", 1),
    ("x = a ? f(b ? c : d) : e;", 1),
    ("x = a ? (struct s){ b ? c : d } : e;", 1),
    ("x = a ? b : c\n\t? d : e ? f : g;", 2),
    ("#define A(x, y) ((x) ? 1 : \\\n\t(y) ? 2 : 3)\n", 1),
    ("x = a ?: b ?: c;", 1),
)


def self_test():
    bad = [code for code, count in SAMPLES if len(nested(code)) != count]
    for code in bad:
        print(f"nested: the checker is wrong about: {code}")
    return not bad


def main():
    paths = sys.argv[1:] or subprocess.run(["git", "ls-files", "*.c", "*.h"], check=True, text=True,
                                           stdout=subprocess.PIPE).stdout.split()
    failed = not self_test()
    for path in paths:
        with open(path, encoding="utf-8") as f:
            for line in nested(f.read()):
                print(f"{path}:{line}: a conditional operator inside another")
                failed = True
    if not failed:
        print("nested: ok")
    return failed


if __name__ == "__main__":
    sys.exit(main())
