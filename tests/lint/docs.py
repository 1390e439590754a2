#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Refuses a document that names a file, function, test or make target which the tree does not have.

Usage: tests/lint/docs.py [FILE...]      without: README, CONTRIBUTING, SECURITY and docs/*.md

A file is a word with a slash whose first folder is one of ours, or *.c, *.h, *.py in backquotes; `*`
stands for anything, NAME for some name. A function is name(), a test test_name, and a target follows
`make`, all in backquotes or in a block of code.
"""
import glob
import os
import re
import subprocess
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
FOLDERS = "arch|common|drivers|vpci|include|tests|tools|docs"
PATH = re.compile(rf"(?<![\w/.:~<-])(?:{FOLDERS})/[\w./*-]*[\w*]")
QUOTED = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"[\w*-]+\.(?:c|h|S|py)")
FUNCTION = re.compile(r"\b([a-z_]\w+)\(\)")
BLOCK = re.compile(r"^```.*?^```", re.M | re.S)
TEST = re.compile(r"\btest_\w+")
TARGET = re.compile(r"\bmake ([a-z][a-z-]+)\b(?![=/\w-])")
RULE = re.compile(r"^([\w -]+):", re.M)


def tracked():
    out = subprocess.run(["git", "ls-files"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return [name for name in out.split("\n") if name]


def words_of(files):
    words = set()
    for name in files:
        if name.endswith((".c", ".h", ".S", ".py", ".mk")) or "/run" in name:
            with open(name, encoding="utf-8", errors="replace") as f:
                words.update(re.findall(r"\w+", f.read()))
    return words


def missing_paths(text, files):
    named = {m[0].rstrip("/.") for m in PATH.finditer(text)}
    names = {os.path.basename(name) for name in files}
    for path in sorted(named):
        if "NAME" not in path and not path.startswith("build/") and not glob.glob(path):
            yield path
    for quoted in QUOTED.findall(text):
        if FILE.fullmatch(quoted) and "NAME" not in quoted and "*" not in quoted and quoted not in names:
            yield quoted


def code_of(text):
    return "\n".join(BLOCK.findall(text) + QUOTED.findall(text))


def missing_names(text, words):
    code = code_of(text)
    for name in sorted(set(FUNCTION.findall(code))):
        if name not in words:
            yield f"{name}()"
    for name in sorted(set(TEST.findall(code))):
        if name not in words and name != "test_NAME":
            yield name


def missing_targets(text):
    targets = set()
    for path in ("Makefile", *glob.glob("tests/*/*.mk")):
        with open(path, encoding="utf-8") as f:
            targets.update(" ".join(RULE.findall(f.read())).split())
    for name in sorted(set(TARGET.findall(code_of(text)))):
        if name not in targets:
            yield f"make {name}"


def main():
    os.chdir(ROOT)
    files = tracked()
    words = words_of(files) | {os.path.splitext(os.path.basename(f))[0] for f in files}
    documents = sys.argv[1:] or [f for f in files if re.fullmatch(r"(README|CONTRIBUTING|SECURITY|docs/[\w-]+)\.md", f)]
    failed = False
    for document in documents:
        with open(document, encoding="utf-8") as f:
            text = f.read()
        for what in [*missing_paths(text, files), *missing_names(text, words), *missing_targets(text)]:
            print(f"{document}: names {what}, which is not there")
            failed = True
    if not failed:
        print("docs: ok")
    return failed


if __name__ == "__main__":
    sys.exit(main())
