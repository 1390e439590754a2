#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Refuses a function of include/hv without a contract: a comment that says what it asks and gives.

Usage: tests/lint/contracts.py [-v] [FILE...]      -v: name each file's count as well

A comment stands directly above the function, or behind it on its line, or above a group: functions
that follow one another without an empty line share the comment above the first of them.
"""
import glob
import re
import sys

COMMENT = re.compile(r"/\*.*?\*/", re.S)
FUNCTION = re.compile(r"(?!typedef\b|struct \w+ \{|enum \w+ \{|union \w+ \{|_Static_assert|return\b|#)"
                      r"[A-Za-z_][^;{}=#]*?\b(\w+)\([^;{}]*\)\s*(?:__\w+\s*)*[;{]", re.S)


def blocks(text):
    """(first line, text) of each run of lines without an empty line; a comment is one piece."""
    quiet = COMMENT.sub(lambda m: re.sub(r"\n[ \t]*(?=\n)", "\n*", m[0]), text)
    start, lines = 1, []
    for number, line in enumerate(quiet.split("\n") + [""], 1):
        if line.strip():
            lines.append(line)
            continue
        if lines:
            yield start, "\n".join(lines)
        start, lines = number + 1, []


def declarations(block):
    """(offset, text, comment behind) of each function, and (offset, None, None) of each comment."""
    at, depth = 0, 0
    while at < len(block):
        comment = COMMENT.match(block, at)
        if comment:
            yield at, None, None
            at = comment.end()
            continue
        found = FUNCTION.match(block, at) if not depth and at == line_begin(block, at) else None
        if found:
            end = found.end()
            line_end = block.find("\n", end)
            rest = block[end:line_end if line_end >= 0 else len(block)]
            yield at, found[1], "/*" in rest
            depth += found[0].endswith("{")
            at = end
            continue
        depth += {"{": 1, "}": -1}.get(block[at], 0)
        at += 1


def line_begin(block, at):
    return block.rfind("\n", 0, at) + 1


def without_contract(text):
    """(line, name) of each."""
    for start, block in blocks(text):
        covered = False
        for at, name, behind in declarations(block):
            if name is None:
                covered = covered or at == line_begin(block, at)
            elif not covered and not behind:
                yield start + block.count("\n", 0, at), name


SAMPLES = (
    ("int f(void);\n", 1),
    ("/* What it does. */\nint f(void);\nint g(void);\n", 0),
    ("/* What it does. */\nint f(void);\n\nint g(int a,\n\t  int b);\n", 1),
    ("int f(void); /* what it does */\nint g(void);\n", 1),
    ("/* About this file. */\n\nint f(void);\n", 1),
    ("/* One.\n *\n * Two. */\nint f(void);\n", 0),
    ("static inline int f(void)\n{\n\treturn g(1);\n}\n", 1),
    ("struct s {\n\tint (*f)(void);\n};\n", 0),
    ("enum e __must_check f(struct s *a, void (*g)(int));\n", 1),
)


def main():
    for text, want in SAMPLES:
        got = len(list(without_contract(text)))
        if got != want:
            print(f"contracts: {got} instead of {want} in {text!r}")
            return True
    args = sys.argv[1:]
    verbose = "-v" in args
    failed = False
    for path in [a for a in args if a != "-v"] or sorted(glob.glob("include/hv/*.h")):
        with open(path, encoding="utf-8") as f:
            missing = list(without_contract(f.read()))
        for line, name in missing:
            print(f"{path}:{line}: {name}() has no comment: what it asks, gives and locks")
        if verbose:
            print(f"contracts: {path}: {len(missing)}")
        failed = failed or bool(missing)
    if not failed:
        print("contracts: ok")
    return failed


if __name__ == "__main__":
    sys.exit(main())
