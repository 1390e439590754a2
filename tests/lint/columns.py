#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Refuses source lines over 100 columns; a tab goes to the next column of eight.

Usage: tests/lint/columns.py [FILE...]     without files: every .c, .h and .S of the tree
"""
import subprocess
import sys

LIMIT = 100


def sources():
    return subprocess.run(["git", "ls-files", "*.c", "*.h", "*.S"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.split()


def main():
    failed = False
    for path in sys.argv[1:] or sources():
        with open(path, encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                width = len(line.rstrip("\n").expandtabs(8))
                if width > LIMIT:
                    print(f"{path}:{number}: {width} columns")
                    failed = True
    if not failed:
        print("columns: ok")
    return failed


if __name__ == "__main__":
    sys.exit(main())
