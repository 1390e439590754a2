#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Size of the code: the budget of 15 000 code lines is a gate, all else a compass.

Usage: tests/lint/metrics.py [-v]

Code lines are those of .c, .h and .S with more than blanks and comments, without include/spec,
tests and tools. A function is what stands between '{' and '}' in the first column.
"""
import os
import re
import sys

BUDGET = 15000
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
AREAS = ("arch", "common", "drivers", "vpci", "include/hv")
SPEC = re.compile(r"IHI 00|DDI 0|DEN 00|PCIe r\d|PCI r\d|RFC \d|§")
COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/|//[^\n]*', re.S)


def strip(text):
    """Takes comments out and keeps the lines."""
    def blank(m):
        return m[0] if m[0][0] in "\"'" else re.sub(r"[^\n]", "", m[0]) or " "
    return COMMENT.sub(blank, text)


def functions(path, code):
    """(name, lines) of each function of a C file."""
    start, name, last = None, None, ""
    for number, line in enumerate(code.split("\n"), 1):
        if line.startswith("{") and last.rstrip().endswith(")"):
            start = number
        elif line.startswith("}") and start is not None:
            yield name or "?", number - start - 1
            start = None
        if start is None:
            m = re.match(r"^[A-Za-z_].*?([A-Za-z_0-9]+)\(", line)
            name = m[1] if m else name
        last = line if line.strip() else last


def quantile(values, q):
    return sorted(values)[min(len(values) - 1, int(len(values) * q))] if values else 0


def main():
    verbose = "-v" in sys.argv[1:]
    os.chdir(ROOT)
    files, funcs, comment_lines, refs = [], [], 0, 0
    for area in AREAS:
        for directory, _, names in os.walk(area):
            for name in sorted(names):
                if not name.endswith((".c", ".h", ".S")):
                    continue
                path = os.path.join(directory, name)
                with open(path, encoding="utf-8") as f:
                    text = f.read()
                code = strip(text)
                lines = sum(1 for x in code.split("\n") if x.strip())
                files.append((path, lines, text.count("\n")))
                comment_lines += sum(1 for x in text.split("\n") if x.strip()) - lines
                refs += len(SPEC.findall(text))
                if name.endswith(".c"):
                    funcs += [(path, n, size) for n, size in functions(path, code)]
    total = sum(n for _, n, _ in files)
    sizes = [size for _, _, size in funcs]
    print(f"metrics: {total} code lines in {len(files)} files (budget {BUDGET})")
    for area in AREAS:
        print(f"metrics:   {area:11} {sum(n for p, n, _ in files if p.startswith(area + '/')):6}")
    print(f"metrics: {len(sizes)} functions: median {quantile(sizes, .5)}, p95 {quantile(sizes, .95)}, "
          f"max {max(sizes, default=0)} lines (aim: 12, 45, 80)")
    print(f"metrics: comment lines {comment_lines / max(1, total + comment_lines):.2f} of all, "
          f"{1000 * refs / max(1, total):.1f} references to specifications per 1000 lines")
    for path, _, lines in sorted(files, key=lambda x: -x[2]):
        if lines > 400 or verbose:
            print(f"metrics: {path}: {lines} lines (aim: 400)")
    for path, name, size in sorted(funcs, key=lambda x: -x[2]):
        if size > 80 or (verbose and size > 45):
            print(f"metrics: {path}: {name} has {size} lines (aim: 80)")
    if total > BUDGET:
        print(f"metrics: {total - BUDGET} code lines over the budget")
    return total > BUDGET


if __name__ == "__main__":
    sys.exit(main())
