#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Two Linux guests on QEMU, each with a real driver on a PCI device of its own.

  demo.py                 runs their checks, streams the console, ends with a summary
  demo.py --interactive   a shell in each guest (what `make run` does)

`disk` has two CPUs and an NVMe controller, `net` one CPU and an e1000e; each device is behind a root
port of its own. Exit status 1 when a check failed.
"""
import argparse
import sys
import tempfile

import viaduct_qemu as vq

TIMEOUT = 300


def machine(name, image):
    return vq.Machine(name, cpu="max", smp=4, devices=vq.root_port(1, 1) + vq.nvme(image, "rp1") +
                      vq.root_port(2, 2) + vq.nic("e1000e", "rp2"))


def guests(disk_tests, net_tests, options):
    return [vq.linux("disk", disk_tests, "new", options, cpus=2, devices=[vq.Device("nvme", "0000:00:01.0/00.0")]),
            vq.linux("net", net_tests, "new", options, cpus=1, devices=[vq.Device("nic", "0000:00:02.0/00.0")])]


def interactive(disk, server):
    print("Two guests, a shell each. Ctrl-a three times: the other guest. Ctrl-]: leave.\n"
          "`poweroff -f` ends a guest; the machine ends with the last one.\n")
    options = f"quiet viaduct.url={server.url}"
    with machine("run", disk.path).start(guests(["shell"], ["shell"], options), timeout=24 * 3600) as run:
        def keep(data):
            run.log.write(data.decode("utf-8", "replace"))
            return data

        run.child.interact(escape_character="\x1d", output_filter=keep)
    return 0


def checks(run, disk, server):
    """(what, fact, passed) for everything that the demo shows."""
    def fact(guest, test, key):
        found = run.results(guest, test)
        return found[-1][key] if found and found[-1].ok else None

    def check(what, value, passed=None):
        return what, value or "not reported", bool(value) if passed is None else passed

    sha = fact("disk", "disk-read", "sha256")
    fetched = fact("net", "net-fetch", "sha256")
    ping = fact("net", "net-ping", "received")
    written = disk.read(vq.PATTERN_OFFSET, 4096 * 64) == vq.Disk.pattern("disk")
    return [
        check("disk: CPUs", fact("disk", "cpus", "count"), fact("disk", "cpus", "count") == "2"),
        check("disk: NVMe found", fact("disk", "disk-present", "device")),
        check("disk: 32 MiB read directly, sum equals the image's", sha and sha[:16], sha == disk.sha256),
        check("disk: pattern written, found in the image afterwards", "yes" if written else "no", written),
        check("disk: MSI-X interrupts of CPU 0 and 1", fact("disk", "disk-msix", "after")),
        check("net: driver", fact("net", "net-present", "driver")),
        check("net: ping, answers to 5", ping, ping == "5"),
        check("net: 4 MiB over TCP, sum equals the server's", fetched and fetched[:16], fetched == server.sha256),
        check("both guests off, then the machine", "yes" if run.ended_by_itself else "no", run.ended_by_itself),
    ]


def demo(disk, server):
    options = f"quiet viaduct.url={server.url}"
    with machine("demo", disk.path).start(guests(["cpus", "lspci", "disk", "off"], ["lspci", "net", "off"], options),
                                          timeout=TIMEOUT, stream=sys.stdout) as run:
        run.wait()
    rows = checks(run, disk, server)
    print(f"\n--- {run.seconds:.0f} s; whole console: {run.machine.log}")
    for what, value, passed in rows:
        print(f"{'ok  ' if passed else 'FAIL'}  {what}: {value}")
    failed = sum(not passed for _, _, passed in rows)
    print("Demo passed." if not failed else f"Demo FAILED: {failed} of {len(rows)} checks.")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--interactive", action="store_true", help="a shell in each guest")
    args = parser.parse_args()
    vq.make_initrd()
    server = vq.FileServer()
    with tempfile.TemporaryDirectory(prefix="viaduct-demo.") as work:
        disk = vq.Disk(f"{work}/disk.img")
        try:
            return interactive(disk, server) if args.interactive else demo(disk, server)
        except FileNotFoundError as missing:
            print(f"demo: missing: {missing}", file=sys.stderr)
            return 1
        finally:
            server.close()


sys.exit(main())
