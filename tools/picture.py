#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws docs/viaduct.svg, the picture in README: who owns what between guests and devices.

Usage: tools/picture.py [--check]      --check: 1 if the file is not what this script draws
"""
import os
import sys

OUT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "docs", "viaduct.svg")
WIDTH, HEIGHT = 860, 470
STYLE = """
text { font: 13px sans-serif; fill: #1b1f24 }
.small { font-size: 11px; fill: #57606a }
.head { font-weight: bold }
.guest { fill: #ddf4ff; stroke: #54aeff }
.other { fill: #fff8c5; stroke: #d4a72c }
.el2 { fill: #eaeef2; stroke: #8c959f }
.part { fill: #ffffff; stroke: #8c959f }
.hw { fill: #f6f8fa; stroke: #8c959f }
.a { stroke: #0969da; stroke-width: 2; fill: none }
.b { stroke: #9a6700; stroke-width: 2; fill: none }
.trap { stroke: #57606a; stroke-width: 1.5; stroke-dasharray: 4 3; fill: none }
"""


def box(x, y, w, h, kind, *lines):
    """A rectangle with a heading and smaller lines below it."""
    out = [f'<rect class="{kind}" x="{x}" y="{y}" width="{w}" height="{h}" rx="5"/>']
    for i, line in enumerate(lines):
        css = "head" if i == 0 else "small"
        out.append(f'<text class="{css}" x="{x + 10}" y="{y + 19 + 16 * i}">{line}</text>')
    return out


def arrow(css, label, label_at, *points):
    path = "M" + " L".join(f"{x},{y}" for x, y in points)
    out = [f'<path class="{css}" d="{path}" marker-end="url(#{css})" marker-start="url(#{css}s)"/>'
           if css != "trap" else f'<path class="{css}" d="{path}" marker-end="url(#{css})"/>']
    if label:
        out.append(f'<text class="small" x="{label_at[0]}" y="{label_at[1]}">{label}</text>')
    return out


def markers():
    colours = {"a": "#0969da", "b": "#9a6700", "trap": "#57606a"}
    out = ["<defs>"]
    for name, colour in colours.items():
        for end, path, ref in (("", "M0,0 L8,4 L0,8 z", 7), ("s", "M8,0 L0,4 L8,8 z", 1)):
            out.append(f'<marker id="{name}{end}" viewBox="0 0 8 8" refX="{ref}" refY="4" markerWidth="7" '
                       f'markerHeight="7" orient="auto"><path d="{path}" fill="{colour}"/></marker>')
    return out + ["</defs>"]


def draw():
    body = []
    # EL1
    body += box(20, 20, 330, 92, "guest", "guest disk (EL1)", "an unmodified kernel and its drivers",
                "its own RAM, 2 pinned CPUs", "its own PCI bus: nvme at 00:01.0")
    body += box(370, 20, 330, 92, "other", "guest net (EL1)", "another kernel", "its own RAM, 1 pinned CPU",
                "its own PCI bus: e1000e at 00:01.0")
    # EL2
    body += box(20, 150, 680, 118, "el2", "Viaduct (EL2): no dom0, no host Linux")
    body += box(35, 180, 150, 76, "part", "planner", "guests from the tree;", "refuses in one sentence")
    body += box(197, 180, 150, 76, "part", "vGIC, virtual ITS", "INTx, MSI, MSI-X to", "their own guest")
    body += box(359, 180, 150, 76, "part", "stage 2", "CPU root and DMA root", "of each guest")
    body += box(521, 180, 165, 76, "part", "vPCI", "config space by a table", "of bits; BARs")
    # hardware
    body += box(20, 306, 150, 60, "hw", "CPUs", "one vCPU each, for ever")
    body += box(182, 306, 134, 60, "hw", "GIC and ITS", "DeviceID, EventID", "to LPI")
    body += box(354, 306, 160, 60, "hw", "SMMU", "StreamID to DMA root;", "all else aborts")
    body += box(526, 306, 174, 60, "hw", "PCIe host bridge", "ECAM, windows, ACS")
    body += box(354, 400, 160, 50, "guest", "NVMe", "of guest disk")
    body += box(540, 400, 160, 50, "other", "e1000e", "of guest net")
    # ways
    body += arrow("trap", "config access traps", (716, 140), (690, 112), (710, 128), (710, 218), (688, 218))
    body += arrow("a", "", None, (434, 400), (434, 368))
    body += arrow("b", "", None, (600, 400), (600, 385), (480, 385), (480, 368))
    body += arrow("a", "MSI", (322, 327), (354, 336), (316, 336))
    body += arrow("a", "", None, (420, 306), (420, 258))
    body += arrow("b", "", None, (460, 306), (460, 258))
    body += arrow("a", "DMA and BARs: no exit", (200, 136), (400, 178), (400, 130), (335, 130), (335, 114))
    body += arrow("b", "", None, (480, 178), (480, 130), (520, 130), (520, 114))
    body += ['<text class="small" x="716" y="222">decided bit by bit</text>',
             '<text class="small" x="60" y="420">A device reaches the memory of its guest</text>',
             '<text class="small" x="60" y="436">through the SMMU, and nothing else.</text>']
    return "\n".join([
        "<!-- SPDX-License-Identifier: Apache-2.0; drawn by tools/picture.py -->",
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">',
        f"<style>{STYLE}</style>", f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        *markers(), *body, "</svg>", ""])


def main():
    text = draw()
    if sys.argv[1:] == ["--check"]:
        with open(OUT, encoding="utf-8") as f:
            return f.read() != text
    if sys.argv[1:]:
        sys.exit(__doc__)
    with open(OUT, "w", encoding="utf-8") as f:
        f.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
