#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How the code reads, in figures. Two of them are gates: p95 of function lines, and nested '?:'.

Usage: tests/lint/metrics.py [-v]      -v: the functions and lines behind the figures

Measured are .c, .h and .S of arch, common, drivers, vpci and include/hv. A code line holds more
than blanks and comments. A function is what stands between '{' and '}' in the first column. A
statement ends with ';' outside parentheses. Operators of a line are counted without '.', '->', ','
and the '*' or '&' of a pointer.
"""
import collections
import os
import re
import sys

import ctokens
import nested

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
AREAS = ("arch", "common", "drivers", "vpci", "include/hv")
SPEC = re.compile(r"IHI 00|DDI 0|DEN 00|PCIe r\d|PCI r\d|RFC \d|§")
BINARY = {"+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", "&&", "||", "<", ">", "<=", ">=",
          "==", "!=", "=", "?"}
ASSIGN = {"+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="}
UNARY = {"!", "~", "++", "--"}
ATTRIBUTE = r"__attribute__\(\([^\n]*?\)\)|__printf\([^\n)]*\)"
STATIC = re.compile(rf"^static (?:{ATTRIBUTE}|[^;=(\n])*?\b(?!__)(\w+)\(", re.M)

P95_MAX = 30
# The same figures of the commit before the budget of lines was given up.
BEFORE = {
    "median": 7, "p95": 21, "max": 47, "conditional": 21.7, "nested": 2.7, "dense": 18.6,
    "comments": 0.11, "citations": 13.2, "shared": 38, "long": 0,
}


def functions(code):
    """(name, lines) of each function of a C file."""
    start, name, last = None, None, ""
    for number, line in enumerate(code.split("\n"), 1):
        if line.startswith("{") and last.rstrip().endswith(")"):
            start = number
        elif line.startswith("}") and start is not None:
            yield name or "?", number - start - 1
            start = None
        if start is None:
            m = re.match(rf"^(?=[A-Za-z_])(?:{ATTRIBUTE}|.)*?\b(?!__)(\w+)\(", line)
            name = m[1] if m else name
        last = line if line.strip() else last


def conditional_statements(text):
    """How many statements, or conditions of an if, while or switch, have a '?'."""
    conditional = depth = 0
    asks = False
    for _, token in ctokens.tokens(text):
        depth += {"(": 1, ")": -1}.get(token, 0)
        asks = asks or token == "?"
        if token == ";" and depth == 0:
            conditional += asks
            asks = False
        elif token in ("{", "}", ctokens.DIRECTIVE_END):
            conditional += asks and token == "{"    # the condition of an if, while, switch
            asks = False
    return conditional


def is_operand(token):
    return bool(token) and (token[0].isalnum() or token[0] in "_\"')]")


def dense_lines(text):
    """The lines with five or more operators."""
    counts, last = collections.Counter(), ""
    for line, token in ctokens.tokens(text):
        if token in ASSIGN or token in UNARY or (token in BINARY and is_operand(last)):
            counts[line] += 1
        last = token
    return [line for line, n in sorted(counts.items()) if n >= 5]


def quantile(values, q):
    return sorted(values)[min(len(values) - 1, int(len(values) * q))] if values else 0


class Totals:
    def __init__(self):
        self.code = collections.Counter()   # lines of an area
        self.files, self.funcs, self.dense, self.nested = [], [], [], []
        self.comments = self.citations = self.conditional = 0
        self.statics = collections.defaultdict(set)

    def add(self, area, path):
        with open(path, encoding="utf-8") as f:
            text = f.read()
        code = ctokens.strip(text)
        lines = sum(1 for x in code.split("\n") if x.strip())
        self.code[area] += lines
        self.files.append((path, text.count("\n")))
        self.comments += sum(1 for x in text.split("\n") if x.strip()) - lines
        self.citations += len(SPEC.findall(text))
        if path.endswith(".S"):
            return
        self.dense += [(path, n) for n in dense_lines(text)]
        if not path.endswith(".c"):
            return
        self.funcs += [(path, name, size) for name, size in functions(code)]
        self.nested += [(path, n) for n in nested.nested(text)]
        self.conditional += conditional_statements(text)
        for name in STATIC.findall(code):
            self.statics[name].add(path)

    def figures(self):
        sizes = [size for _, _, size in self.funcs]
        total = sum(self.code.values())
        return {
            "median": quantile(sizes, .5), "p95": quantile(sizes, .95), "max": max(sizes),
            "conditional": 1000 * self.conditional / total,
            "nested": 1000 * len(self.nested) / total,
            "dense": 1000 * len(self.dense) / total,
            "comments": self.comments / (total + self.comments),
            "citations": 1000 * self.citations / total,
            "shared": sum(len(paths) > 1 for paths in self.statics.values()),
            "long": sum(lines > 400 for _, lines in self.files),
        }


ROWS = (
    ("function lines, median", "median", "{}"), ("function lines, p95", "p95", "{}"),
    ("function lines, longest", "max", "{}"),
    ("statements with ?: per 1000 lines", "conditional", "{:.1f}"),
    ("nested ?: per 1000 lines", "nested", "{:.1f}"),
    ("lines with five or more operators, per 1000", "dense", "{:.1f}"),
    ("comment lines, share of all", "comments", "{:.2f}"),
    ("citations of specifications per 1000 lines", "citations", "{:.1f}"),
    ("static function names used in several files", "shared", "{}"),
    ("files over 400 lines", "long", "{}"),
)


def measure():
    totals = Totals()
    for area in AREAS:
        for directory, _, names in os.walk(area):
            for name in sorted(names):
                if name.endswith((".c", ".h", ".S")):
                    totals.add(area, os.path.join(directory, name))
    return totals


def details(totals):
    for path, lines in sorted(totals.files, key=lambda x: -x[1]):
        if lines > 400:
            print(f"metrics: {path}: {lines} lines")
    for path, name, size in sorted(totals.funcs, key=lambda x: -x[2]):
        if size > P95_MAX:
            print(f"metrics: {path}: {name}() has {size} lines")
    for path, line in totals.dense:
        print(f"metrics: {path}:{line}: five or more operators")
    for name, paths in sorted(totals.statics.items()):
        if len(paths) > 1:
            print(f"metrics: static {name}() is in {', '.join(sorted(paths))}")


def main():
    os.chdir(ROOT)
    totals = measure()
    now = totals.figures()
    if "-v" in sys.argv[1:]:
        details(totals)
    areas = ", ".join(f"{area} {totals.code[area]}" for area in AREAS)
    print(f"metrics: {sum(totals.code.values())} code lines in {len(totals.files)} files: {areas}")
    print(f"metrics: {'':46}{'before':>8}{'now':>8}")
    for title, key, form in ROWS:
        print(f"metrics: {title:46}{form.format(BEFORE[key]):>8}{form.format(now[key]):>8}")
    failed = False
    if now["p95"] > P95_MAX:
        print(f"metrics: one function in twenty is longer than {P95_MAX} lines; split some")
        failed = True
    for path, line in totals.nested:
        print(f"{path}:{line}: a conditional operator inside another")
        failed = True
    return failed


if __name__ == "__main__":
    sys.exit(main())
