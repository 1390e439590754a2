"""Xen's dom0less binding, observed from the guests and from the machine below."""
import json
import re
import socket

import viaduct_qemu as vq
from test_payload import assert_ok, guest


class Monitor:
    """QEMU's own view of the machine, over QMP."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(path)
        self.file = self.socket.makefile("rw")
        self.file.readline()
        self.command("qmp_capabilities")

    def command(self, name, **arguments):
        self.file.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
        self.file.flush()
        while True:
            answer = json.loads(self.file.readline())
            if "return" in answer or "error" in answer:
                return answer.get("return")

    def cpus_at(self, level):
        """The numbers of the CPUs that are at this exception level right now."""
        text = self.command("human-monitor-command", **{"command-line": "info registers -a"})
        found = re.findall(r"CPU#(\d+).*?PSTATE=\w+ \S+ (EL\d)", text, re.DOTALL)
        assert len(found) == 4, text
        return {int(cpu) for cpu, at in found if at == f"EL{level}"}


def vcpu(number, affinity):
    return f'vcpu{number} {{ compatible = "xen,vcpu"; id = <{number}>; hard-affinity = "{affinity}"; }};'


def test_declarations_that_a_guest_sees(work):
    """nr_spis, trap-unmapped-accesses, and hard-affinity: QEMU says which CPUs run guest code."""
    guests = [
        guest("first", "domain", "unmapped=0"),
        guest("pinned", "domain", "unmapped=1 spin=1", cpus=2,
              properties={"nr_spis": "<200>", "trap-unmapped-accesses": "<0>"},
              extra=vcpu(0, "3") + vcpu(1, "0-1,3")),
    ]
    qmp = f"{work}/dom0less.qmp"
    machine = vq.Machine("dom0less", extra=["-qmp", f"unix:{qmp},server=on,wait=off"])
    with machine.start(guests, timeout=60) as run:
        assert run.wait_line("PAYLOAD domain: spinning", "pinned"), run.tail()
        assert run.wait_line("first: off"), run.tail()
        monitor, seen = Monitor(qmp), set()
        for _ in range(5):
            seen |= monitor.cpus_at(1)
        run.send(vq.SWITCH + "x")
        run.wait()
    assert seen == {1, 3}, run.tail()
    assert run.find(r"pinned: +CPUs +3 1"), run.tail()
    assert "spis=32" in assert_ok(run, "first", "domain")
    assert "spis=224" in assert_ok(run, "pinned", "domain")
    assert run.ended_by_itself, run.tail()
