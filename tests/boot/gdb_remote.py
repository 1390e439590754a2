# SPDX-License-Identifier: Apache-2.0
"""A client of QEMU's gdbstub, as far as the tests need it: stop in a function, change registers, go on.

The protocol is the GDB remote serial protocol; register numbers are those of GDB's aarch64 core
feature (x0..x30, sp, pc, cpsr). QEMU allows single registers only to who asked for its description.
"""
import socket
import time

SP, PC, CPSR = 31, 32, 33


class Remote:
    def __init__(self, path, timeout=20):
        deadline = time.monotonic() + timeout
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        while True:
            try:
                self.socket.connect(path)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        self.left = b""
        self.ask("qSupported:xmlRegisters=aarch64")
        self.ask("qXfer:features:read:target.xml:0,ffb")

    def _byte(self):
        if not self.left:
            self.left = self.socket.recv(4096)
            if not self.left:
                raise EOFError("QEMU closed the gdbstub")
        byte, self.left = self.left[:1], self.left[1:]
        return byte

    def _answer(self):
        while self._byte() != b"$":
            pass
        text = b""
        while (byte := self._byte()) != b"#":
            text += byte
        self._byte(), self._byte()      # the checksum; the socket is reliable
        self.socket.sendall(b"+")
        return text.decode("latin-1")

    def _send(self, text):
        self.socket.sendall(b"$%s#%02x" % (text.encode(), sum(text.encode()) & 0xff))

    def ask(self, text):
        self._send(text)
        return self._answer()

    def must(self, text):
        answer = self.ask(text)
        assert answer == "OK", f"gdbstub: {text}: {answer!r}"

    def read(self, register):
        return int.from_bytes(bytes.fromhex(self.ask(f"p{register:x}")), "little")

    def write(self, register, value):
        self.must(f"P{register:x}={value.to_bytes(8, 'little').hex()}")

    def memory32(self, address):
        return int.from_bytes(bytes.fromhex(self.ask(f"m{address:x},4")), "little")

    def run_to(self, address):
        """Continues until a CPU is at `address`, takes the breakpoint away and selects that CPU."""
        self.must(f"Z1,{address:x},4")
        stop = self.ask("c")
        assert "thread:" in stop, stop
        self.must("Hg" + stop.split("thread:")[1].split(";")[0])
        self.must(f"z1,{address:x},4")
        assert self.read(PC) == address

    def step(self):
        """One instruction of the CPU that is selected: behind run_to(), which would stop there again."""
        stop = self.ask("s")
        assert stop.startswith("T05"), stop

    def detach(self):
        self.must("D")
        self.socket.close()
