# SPDX-License-Identifier: Apache-2.0
"""A client of QEMU's monitor (QMP): it looks at the machine's memory and devices from outside."""
import json
import socket
import time


def qmp_option(path):
    """QEMU's command-line option that Qmp(path) needs."""
    return ["-qmp", f"unix:{path},server=on,wait=off"]


class Qmp:
    def __init__(self, path, timeout=20):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self._connect(path, time.monotonic() + timeout)
        self.file = self.socket.makefile("rw", encoding="utf-8")
        json.loads(self.file.readline())        # the greeting
        self.command("qmp_capabilities")

    def _connect(self, path, deadline):
        """QEMU needs a moment until its socket is there."""
        while True:
            try:
                self.socket.connect(path)
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def command(self, name, **arguments_):
        """Runs one command; returns its answer and skips the events before it."""
        self.file.write(json.dumps({"execute": name, "arguments": arguments_}) + "\n")
        self.file.flush()
        while True:
            answer = json.loads(self.file.readline())
            if "event" not in answer:
                assert "return" in answer, answer
                return answer["return"]

    def monitor(self, line):
        """A command of the human monitor; returns its text."""
        return self.command("human-monitor-command", **{"command-line": line})

    def memory(self, address, size, path):
        """SIZE bytes of memory at a physical address, through the file PATH."""
        self.command("pmemsave", val=address, size=size, filename=path)
        with open(path, "rb") as f:
            return f.read()

    def registers(self, address, count):
        """COUNT words of 32 bits at a physical address, also of a device."""
        text = self.monitor(f"xp /{count}wx 0x{address:x}")
        return [int(word, 16) for line in text.splitlines() for word in line.split(":")[1].split()]

    def close(self):
        self.file.close()
        self.socket.close()
