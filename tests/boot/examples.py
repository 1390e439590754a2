# SPDX-License-Identifier: Apache-2.0
"""The examples of docs/, as a reader copies them: a fenced block behind `<!-- example: NAME -->`."""
import glob
import re

import viaduct_qemu as vq

BLOCK = re.compile(r"<!-- example: ([\w-]+) -->\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples():
    """{name: text} of all."""
    found = {}
    for path in sorted(glob.glob(f"{vq.ROOT}/docs/*.md")) + [f"{vq.ROOT}/README.md"]:
        with open(path, encoding="utf-8") as f:
            for name, text in BLOCK.findall(f.read()):
                assert name not in found, f"two examples are called {name}"
                found[name] = text
    return found


def example(name):
    return examples()[name]
