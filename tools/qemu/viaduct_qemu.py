# SPDX-License-Identifier: Apache-2.0
"""Runs Viaduct, or a bare Linux, on QEMU's virt machine and reads what comes out.

A Machine is a QEMU command line; guests are declared to Viaduct in QEMU's own device tree: it is
dumped, decompiled, the guests' nodes are appended as source text, and it is compiled again. That
keeps malformed trees as easy to write as good ones.

Console conventions: a line of guest NAME comes as `(NAME) text`, one of Viaduct's own starts with
`viaduct: `; on a bare machine lines have no prefix and count as those of the guest "".
"""
import hashlib
import http.server
import multiprocessing
import os
import random
import re
import signal
import subprocess
import time

import pexpect

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHE = os.environ.get("VIADUCT_CACHE", os.path.expanduser("~/.cache/viaduct"))
BUILD = os.environ.get("VIADUCT_BUILD", f"{ROOT}/build")
os.makedirs(f"{BUILD}/boot-logs", exist_ok=True)    # consoles, device trees, and what tests leave
VIADUCT = f"{BUILD}/viaduct"
# The one place that chooses the QEMU: "system", "newer" (put there by tools/setup), or a path.
QEMUS = {"system": "qemu-system-aarch64", "newer": f"{CACHE}/newer/bin/qemu-system-aarch64"}
QEMU = os.environ.get("VIADUCT_QEMU", "system")
QEMU = QEMUS.get(QEMU, QEMU)
IMAGE = {"new": f"{CACHE}/kernel/Image", "stable": f"{CACHE}/kernel-stable/Image"}
INITRD = f"{CACHE}/guest/initrd.cpio.gz"
UBOOT = "/usr/lib/u-boot/qemu_arm64/u-boot.bin"

GUEST_LINE = re.compile(r"^\((?P<name>[^()]{1,31})\) ?(?P<text>.*)$")
VIADUCT_LINE = re.compile(r"^viaduct: (?P<text>.*)$")
RESULT = re.compile(r"^VIADUCT-RESULT (?P<test>\S+) ?(?P<facts>.*) (?P<verdict>OK|FAIL)$")
# What no guest is to see: Linux' complaint about a window of 4 GiB.
UNWANTED = re.compile(r"^\(.*Memory resource size exceeds max for 32 bits")
FATAL = re.compile(r"Kernel panic - not syncing|^viaduct: .*\bpanic\b")
SWITCH = "\x01\x01\x01"        # three times Ctrl-a

RAM_BASE = 0x40000000
MODULES_AT = 0x60000000        # Viaduct itself is low in RAM; modules go here and up
MIB = 1 << 20
PATTERN_OFFSET = 40 * MIB      # where the guest's `disk` test writes, see tools/guests/init
READ_BYTES = 32 * MIB


# --- what guests and devices are made of --------------------------------------------------------

def cells(value):
    """A 64-bit number as two device-tree cells."""
    return f"0x{value >> 32:x} 0x{value & 0xffffffff:x}"


class Device:
    """A line in a guest's vpci node: `host` names the function as Viaduct's device tree does."""

    def __init__(self, label, host, guest=None, extra=""):
        self.label, self.host, self.guest, self.extra = label, host, guest, extra

    def dts(self):
        guest = f'guest = "{self.guest}"; ' if self.guest else ""
        return f'{self.label} {{ host = "{self.host}"; {guest}{self.extra} }};'


class Guest:
    """A guest's node. `properties` overrides one by name (None removes it), `extra` is added verbatim."""

    def __init__(self, name, kernel, ramdisk=None, bootargs="", cpus=1, memory_mib=256, devices=(),
                 properties=None, extra="", kernel_reg=None, kernel_properties="", partial=None):
        self.name, self.kernel, self.ramdisk, self.bootargs = name, kernel, ramdisk, bootargs
        self.cpus, self.memory_mib, self.devices = cpus, memory_mib, list(devices)
        self.properties, self.extra, self.kernel_reg, self.partial = properties or {}, extra, kernel_reg, partial
        self.kernel_properties = kernel_properties

    def dts(self, modules):
        props = {
            "compatible": '"xen,domain"', "#address-cells": "<2>", "#size-cells": "<2>",
            "cpus": f"<{self.cpus}>", "memory": f"<{cells(self.memory_mib * 1024)}>", "vpl011": "",
        }
        props.update(self.properties)
        # `extra` may begin with properties, which dtc wants before nodes.
        lines = [f"{k} = {v};" if v else f"{k};" for k, v in props.items() if v is not None] + [self.extra]
        for kind, path in (("kernel", self.kernel), ("ramdisk", self.ramdisk), ("device-tree", self.partial)):
            if path is None:
                continue
            at, size = modules.place(path)
            if kind == "kernel" and self.kernel_reg:
                at, size = self.kernel_reg(at, size)
            args = f'bootargs = "{self.bootargs}"; {self.kernel_properties}' if kind == "kernel" else ""
            lines.append(f'module@{at:x}-{kind} {{ compatible = "multiboot,{kind}", "multiboot,module"; '
                         f"reg = <{cells(at)} {cells(size)}>; {args}}};".replace(f"@{at:x}-{kind}", f"@{at:x}"))
        if self.devices:
            lines.append('vpci { compatible = "viaduct,vpci"; ' + " ".join(d.dts() for d in self.devices) + " };")
        return f"{self.name} {{\n\t" + "\n\t".join(lines) + "\n};"


def linux(name, tests, kernel="stable", options="", **more):
    """A Linux guest that does `tests` (a list, see tools/guests/init)."""
    args = (f"console=ttyAMA0 earlycon=pl011,mmio32,0x22000000 panic=-1 viaduct.name={name} "
            f"viaduct.test={','.join(tests)} {options}").strip()
    return Guest(name, IMAGE.get(kernel, kernel), INITRD, args, **more)


class Modules:
    """Where each file lies in RAM: one place a file, however many guests use it."""

    def __init__(self, base=MODULES_AT):
        self.next, self.placed = base, {}

    def place(self, path):
        if path not in self.placed:
            if not os.path.exists(path):
                raise FileNotFoundError(f"{path} (run tools/setup, and make)")
            size = os.path.getsize(path)
            self.placed[path] = (self.next, size)
            self.next = (self.next + size + 2 * MIB - 1) & ~(2 * MIB - 1)
        return self.placed[path]

    def loader_args(self):
        return [a for path, (at, _) in self.placed.items()
                for a in ("-device", f"loader,file={path},addr=0x{at:x},force-raw=on")]


class Disk:
    """A raw image with known content in front and room for the guest's pattern behind."""

    def __init__(self, path, seed=1):
        self.path = path
        data = random.Random(seed).randbytes(READ_BYTES)
        with open(path, "wb") as f:
            f.write(data)
            f.truncate(64 * MIB)
        self.sha256 = hashlib.sha256(data).hexdigest()

    def sum(self, mib):
        """SHA-256 of the first MIB MiB."""
        return hashlib.sha256(self.read(0, mib * MIB)).hexdigest()

    def read(self, offset, size):
        with open(self.path, "rb") as f:
            f.seek(offset)
            return f.read(size)

    @staticmethod
    def pattern(name):
        """What the guest NAME writes at PATTERN_OFFSET."""
        return b"".join(f"viaduct-pattern {name} {i}".ljust(63).encode() + b"\n" for i in range(1, 4097))


class FileServer:
    """A file of random bytes over HTTP on the loopback; QEMU's user network shows it at 10.0.2.2.

    `pages` are texts under paths of their own; {base} in them becomes the server's URL, as its client sees it.
    """

    def __init__(self, size=4 * MIB + 4321, seed=2, pages=None):
        body = random.Random(seed).randbytes(size)
        self.size, self.sha256 = size, hashlib.sha256(body).hexdigest()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                page = (pages or {}).get(self.path)
                data = body if page is None else page.replace("{base}", f"http://{self.headers['Host']}").encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://10.0.2.2:{self.server.server_address[1]}"
        self.url = f"{self.base}/file"
        self.server.timeout = 1
        # A process and no thread: pexpect forks, which with a second thread may deadlock.
        self.process = multiprocessing.get_context("fork").Process(target=self._serve, args=(os.getpid(),), daemon=True)
        self.process.start()

    def _serve(self, parent):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        while os.getppid() == parent:
            self.server.handle_request()

    def close(self):
        self.process.terminate()
        self.process.join()
        self.server.server_close()


# --- QEMU device arguments ------------------------------------------------------------------------

def root_port(number, slot, extra=""):
    """A root port named rpNUMBER at 00:SLOT.0."""
    return ["-device", f"pcie-root-port,id=rp{number},chassis={number},addr=0x{slot:x}.0{extra}"]


def nvme(image, bus, extra=""):
    return ["-drive", f"file={image},if=none,format=raw,id=drive-{bus}",
            "-device", f"nvme,serial=viaduct-{bus},drive=drive-{bus},bus={bus}{extra}"]


def nic(model, bus, extra=""):
    return ["-netdev", f"user,id=net-{bus}",
            "-device", f"{model},netdev=net-{bus},bus={bus},mac=52:54:00:12:34:56,romfile={extra}"]


def bridge(model, name, bus, extra=""):
    """A pcie-pci-bridge, x3130-upstream, ...: its secondary bus is called NAME."""
    return ["-device", f"{model},id={name},bus={bus}{extra}"]


def virtio(model, bus, extra=""):
    """Modern only, and behind the SMMU as any other device."""
    return ["-device", f"virtio-{model}-pci,bus={bus},disable-legacy=on,iommu_platform=on{extra}"]


def virtio_blk(image, bus, serial, extra=""):
    return ["-drive", f"file={image},if=none,format=raw,id=drive-{serial}"] + \
        virtio("blk", bus, f",drive=drive-{serial},serial={serial}{extra}")


def virtio_rng(source, bus, extra=""):
    """Its random bytes are those of the file SOURCE, from the beginning."""
    return ["-object", f"rng-random,id=rng-{bus},filename={source}"] + virtio("rng", bus, f",rng=rng-{bus}{extra}")


def testdev(at, extra=""):
    """QEMU's pci-testdev at DEVICE.FUNCTION of the root bus."""
    return ["-device", f"pci-testdev,addr={at}{extra}"]


def memory(at, path, size, extra=""):
    """An ivshmem device: its prefetchable BAR2 is the file PATH."""
    name = os.path.basename(path)
    return ["-object", f"memory-backend-file,id={name},mem-path={path},size={size},share=on",
            "-device", f"ivshmem-plain,addr={at},memdev={name}{extra}"]


# --- machine ----------------------------------------------------------------------------------------

class Machine:
    def __init__(self, name, cpu="cortex-a72", smp=4, memory="2G", devices=(), machine="", virtualization=True,
                 gic="3", iommu="smmuv3", accel="tcg,thread=multi", extra=()):
        self.name, self.devices, self.extra = name, list(devices), list(extra)
        iommu_part = f",iommu={iommu}" if iommu else ""
        self.type = (f"virt,virtualization={'on' if virtualization else 'off'},gic-version={gic}"
                     f"{iommu_part}{machine}")
        self.base = ["-cpu", cpu, "-smp", str(smp), "-m", memory, "-accel", accel, "-nographic", "-nodefaults",
                     "-monitor", "none", "-net", "none"]
        self.log = f"{BUILD}/boot-logs/{name}.log"

    def dump_tree(self):
        """QEMU's device tree for this machine, as source text."""
        dtb = f"{BUILD}/boot-logs/{self.name}.qemu.dtb"
        subprocess.run([QEMU, "-M", f"{self.type},dumpdtb={dtb}"] + self.base + ["-serial", "null"] + self.devices,
                       check=True, timeout=60, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT)
        return subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", dtb], check=True, timeout=60,
                              stdout=subprocess.PIPE, text=True).stdout

    def tree(self, guests, modules, extra_dts="", chosen=""):
        """Compiles the device tree with the guests in it, planned in this order; returns its path."""
        if len(guests) > 1 and "viaduct,order" not in chosen:
            chosen += "viaduct,order = " + ", ".join(f'"{g.name}"' for g in guests) + ";\n"
        text = self.dump_tree() + "\n/ {\n\tchosen {\n\t#address-cells = <2>;\n\t#size-cells = <2>;\n" + chosen + \
            "\n".join(g.dts(modules) for g in guests) + "\n\t};\n};\n" + extra_dts
        dts, dtb = f"{BUILD}/boot-logs/{self.name}.dts", f"{BUILD}/boot-logs/{self.name}.dtb"
        with open(dts, "w", encoding="ascii") as f:
            f.write(text)
        # -f: the malformed ones must compile as well.
        done = subprocess.run(["dtc", "-f", "-q", "-I", "dts", "-O", "dtb", "-o", dtb, dts], timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode or not os.path.exists(dtb):
            raise RuntimeError(f"dtc on {dts}: {done.stdout}")
        return dtb

    def start(self, guests=(), extra_dts="", chosen="", timeout=120, kernel=None, stream=None):
        """Starts Viaduct with these guests."""
        kernel = kernel or VIADUCT
        if not os.path.exists(kernel):
            raise FileNotFoundError(f"{kernel} (run make)")
        modules = Modules()
        dtb = self.tree(guests, modules, extra_dts, chosen)
        args = ["-kernel", kernel, "-dtb", dtb] + modules.loader_args()
        return Run(self, args, timeout, stream)

    def start_bare(self, kernel, tests, options="", timeout=120):
        """Starts Linux on the bare machine."""
        args = ["-kernel", IMAGE.get(kernel, kernel), "-initrd", INITRD, "-append",
                f"console=ttyAMA0 panic=-1 viaduct.name=bare viaduct.test={','.join(tests)} {options}"]
        return Run(self, args, timeout)

    def command(self, args):
        # signal=off: Ctrl-c is for the guest.
        return [QEMU, "-M", self.type] + self.base + \
            ["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"] + self.devices + \
            self.extra + args


class Board(Machine):
    """Another machine of QEMU's than virt: TYPE is all of -M; TREE, a compiled device tree, where QEMU makes none."""

    def __init__(self, name, type_, tree=None, smp=2, memory="2G", devices=(), serial=1, qemu=None, extra=()):
        super().__init__(name, smp=smp, memory=memory, devices=devices, extra=extra)
        self.type, self.board_tree, self.serial, self.qemu = type_, tree, serial, qemu or QEMU
        self.base = ["-smp", str(smp), "-m", memory, "-accel", "tcg,thread=multi", "-display", "none",
                     "-monitor", "none", "-net", "none", "-audio", "none"]

    def dump_tree(self):
        if not self.board_tree:
            return super().dump_tree()
        return subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", self.board_tree], check=True, timeout=60,
                              stdout=subprocess.PIPE, text=True).stdout

    def command(self, args):
        other = ["-serial", "null"] * (self.serial - 1)
        return [self.qemu, "-M", self.type] + self.base + ["-chardev", "stdio,id=console,signal=off"] + \
            other + ["-serial", "chardev:console"] + self.devices + self.extra + args


class Result:
    """One VIADUCT-RESULT line."""

    def __init__(self, match):
        self.test = match["test"]
        self.facts = dict(f.split("=", 1) for f in match["facts"].split() if "=" in f)
        self.ok = match["verdict"] == "OK"
        self.line = match[0]

    def __getitem__(self, key):
        return self.facts.get(key)

    def __repr__(self):
        return self.line


class Run:
    """A QEMU that runs under a deadline; what it prints is kept line by line for each guest."""

    def __init__(self, machine, args, timeout, stream=None):
        self.machine, self.timeout, self.stream = machine, timeout, stream
        self.started = time.monotonic()
        self.lines, self.partial, self.ended_by_itself = [], "", False
        self.status = None
        command = machine.command(args)
        self.log = open(machine.log, "w", encoding="utf-8", errors="replace")
        self.log.write("# " + " ".join(command) + "\n")
        # A second deadline, for the case that this process dies: QEMU must never stay behind.
        self.child = pexpect.spawn("timeout", ["--foreground", "-k", "5", str(int(timeout + 30))] + command,
                                   echo=False, encoding="utf-8", codec_errors="replace", timeout=timeout,
                                   dimensions=(50, 500))
        self.child.delaybeforesend = None

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def _take(self, text):
        self.log.write(text)
        self.log.flush()
        if self.stream:
            self.stream.write(text)
            self.stream.flush()
        self.partial += text
        *done, self.partial = self.partial.split("\n")
        self.lines += [line.strip("\r") for line in done]

    def _left(self):
        return self.timeout - (time.monotonic() - self.started)

    def pump(self, until=None, seconds=None):
        """Reads until `until(self)` is true (returns True), or QEMU ends or time is up (returns its value)."""
        deadline = time.monotonic() + (self._left() if seconds is None else min(seconds, self._left()))
        while not (until and until(self)):
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            try:
                self._take(self.child.read_nonblocking(65536, timeout=min(left, 1)))
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                self._take("\n")
                self.child.close()
                self.status = self.child.exitstatus
                self.ended_by_itself = self.child.exitstatus == 0
                return bool(until and until(self))
        return True

    def wait_line(self, pattern, guest=None, seconds=None):
        """Waits for a line that `pattern` (a regular expression) is found in."""
        return self.pump(lambda r: r.find(pattern, guest), seconds)

    def wait(self):
        """Waits for QEMU's own end; past the deadline, or when a kernel dies, it is killed. Returns self."""
        self.pump(lambda r: r.find(FATAL))
        self.close()
        assert not self.find(UNWANTED), self.tail()
        return self

    def send(self, text):
        self.child.send(text)

    def close(self):
        if not self.child.closed and self.child.isalive():
            self.child.kill(signal.SIGTERM)     # timeout(1) hands it on to QEMU
            try:
                self.child.expect(pexpect.EOF, timeout=10)
            except pexpect.TIMEOUT:
                pass
            self.child.close(force=True)
        if not self.log.closed:
            self.seconds = time.monotonic() - self.started
            self.log.write(f"\n# {'ended by itself' if self.ended_by_itself else 'stopped'} "
                           f"after {self.seconds:.1f} s\n")
            self.log.close()

    # What was said.

    def guest(self, name):
        """The lines of a guest; "" is the machine without a hypervisor."""
        if name == "":
            return self.lines
        found = (GUEST_LINE.match(line) for line in self.lines)
        return [m["text"] for m in found if m and m["name"] == name]

    def viaduct(self):
        """Viaduct's own lines."""
        return [m["text"] for m in map(VIADUCT_LINE.match, self.lines) if m]

    def find(self, pattern, guest=None):
        lines = self.lines if guest is None else self.guest(guest)
        return next((line for line in lines if re.search(pattern, line)), None)

    def results(self, guest, test=None):
        found = (RESULT.match(line.strip()) for line in self.guest(guest))
        return [r for r in map(Result, filter(None, found)) if test in (None, r.test)]

    def result(self, guest, test):
        """The one result of this test; a test that did not report fails here."""
        found = self.results(guest, test)
        assert found, f"guest '{guest}' did not report {test}; its last lines:\n" + self.tail(guest)
        return found[-1]

    def ended(self, guest):
        return self.find(r"^VIADUCT-END", guest) is not None

    def tail(self, guest=None, n=15):
        lines = self.lines if guest is None else self.guest(guest)
        return "\n".join((lines or self.lines)[-n:]) + f"\n(whole console: {self.machine.log})"


def make_initrd():
    """The initrd is rebuilt when its sources are newer."""
    subprocess.run([f"{ROOT}/tools/guests/mkinitrd", CACHE], check=True, timeout=60)


def pci_facts(run, guest):
    """What sysfs said of each function, keyed by vendor:device, without the address: identity and BAR sizes.

    A memory BAR is (size, prefetchable, 64-bit) and anything else None: the address that the bus
    gave it is not part of what a device is, and Viaduct's guests have no I/O window.
    """
    facts = {}
    for r in run.results(guest, "pci"):
        bars = []
        for part in r["resource"].split(","):
            start, end, flags = (int(x, 16) for x in part.split(":"))
            memory = flags & 0x200
            bars.append((end - start + 1, bool(flags & 0x2000), bool(flags & 0x100000)) if memory else None)
        facts[f"{r['vendor'][2:]}:{r['device'][2:]}"] = {
            **{k: r[k] for k in ("class", "revision", "subvendor", "subdevice")}, "bars": bars}
    return facts
