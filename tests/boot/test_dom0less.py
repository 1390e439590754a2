# SPDX-License-Identifier: Apache-2.0
"""Xen's dom0less binding, observed from the guests and from the machine below."""
import re
import socket
import subprocess

import viaduct_qemu as vq
from examples import example
from payloads import assert_ok, guest
from qmp import Qmp, qmp_option


def cpus_at(monitor, level):
    """The numbers of the CPUs that are at this exception level right now."""
    text = monitor.monitor("info registers -a")
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
    path = f"{work}/dom0less.qmp"
    machine = vq.Machine("dom0less", extra=qmp_option(path))
    with machine.start(guests, timeout=60) as run:
        assert run.wait_line("PAYLOAD domain: spinning", "pinned"), run.tail()
        assert run.wait_line("first: off"), run.tail()
        monitor, seen = Qmp(path), set()
        for _ in range(5):
            seen |= cpus_at(monitor, 1)
        run.send(vq.SWITCH + "x")
        run.wait()
    assert seen == {1, 3}, run.tail()
    assert run.find(r"pinned: +CPUs +3 1"), run.tail()
    assert "spis=32" in assert_ok(run, "first", "domain")
    assert "spis=224" in assert_ok(run, "pinned", "domain")
    assert run.ended_by_itself, run.tail()


def shared(name, addresses, role):
    return (f'{name} {{ compatible = "xen,domain-shared-memory-v1"; xen,shm-id = "{name}"; '
            f'xen,shared-mem = <{" ".join(map(vq.cells, addresses))}>; role = "{role}"; }};')


def test_shared_memory_goes_both_ways():
    """Two guests answer each other through memory that Viaduct chose, and through the user's own."""
    host, size = 0xb0000000, 0x2000
    guests = [
        guest("left", "domain", "side=0", extra=shared("pool", (0x80000000, size), "owner") +
              shared("given", (host, 0x80200000, size), "owner")),
        guest("right", "domain", "side=1", extra=shared("pool", (0x23000000, size), "borrower") +
              shared("given", (host, 0x1000000000, size), "borrower")),
        # Takes nothing: it would have another size.
        guest("bad", "domain", "side=1", extra=shared("given", (0x80000000, 2 * size), "borrower")),
    ]
    dirt = ["-device", f"loader,addr=0x{host:x},data=0xdeadbeef,data-len=4"]
    with vq.Machine("shared-memory", extra=dirt).start(guests, timeout=60) as run:
        run.wait()
    assert "shared pool at=80000000 words=1000 ok" in assert_ok(run, "left", "domain")
    right = assert_ok(run, "right", "domain")
    assert "shared pool at=23000000 words=1000 ok" in right
    assert "shared given at=1000000000 words=1000 ok" in right
    assert run.find(rf"left: +shared +PA 0x{host:x} as IPA 0x80200000"), run.tail()
    assert run.find(r'"bad".*refused: shared memory "given" has another size'), run.tail()
    assert run.ended_by_itself, run.tail()


PARTIAL = example("uart")


def partial(name, text):
    """Compiles a partial device tree as a user would; its path."""
    path = f"{vq.BUILD}/boot-logs/{name}"
    with open(path + ".dts", "w", encoding="ascii") as f:
        f.write(text)
    subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", path + ".dtb", path + ".dts"], check=True)
    return path + ".dtb"


def second_serial(path):
    """QEMU's second PL011, on a socket."""
    return ["-chardev", f"socket,id=second,path={path},server=on,wait=off", "-serial", "chardev:second"]


def talk(s, path):
    s.connect(path)
    s.settimeout(60)
    return s.makefile("rw", newline="\n")


def test_second_uart_through_a_partial_device_tree(work):
    """A payload drives QEMU's second PL011: out of its socket, and in by interrupt."""
    path = f"{work}/second.socket"
    guests = [
        guest("serial", "domain", "second=1", partial=partial("second", PARTIAL)),
        # The same device, and the console: refused.
        guest("greedy", "domain", partial=partial("greedy", PARTIAL)),
        guest("thief", "domain", partial=partial("thief", PARTIAL.replace("9040000", "9000000"))),
    ]
    with vq.Machine("second-uart", devices=second_serial(path)).start(guests, timeout=60) as run:
        with socket.socket(socket.AF_UNIX) as s:
            assert run.wait_line("PAYLOAD domain: listening", "serial"), run.tail()
            line = talk(s, path)
            run.send("x")
            assert line.readline() == "ready\n", run.tail()
            line.write("Viaduct speaks to the second serial\n")
            line.flush()
            answer = "ready\n"
            while answer == "ready\n":
                answer = line.readline()
            assert answer == "VIADUCT SPEAKS TO THE SECOND SERIAL\n", run.tail()
        run.wait()
    assert_ok(run, "serial", "domain")
    assert run.find(r"serial: +device +PA 0x9040000 as IPA 0xa0000000"), run.tail()
    assert run.find(r'"greedy".*refused: partial device tree, node uart.*guest "serial" has its registers'), run.tail()
    assert run.find(r'"thief".*refused: partial device tree.*Viaduct\'s own'), run.tail()
    assert run.ended_by_itself, run.tail()


def test_linux_drives_the_second_uart(work):
    """Debian's amba-pl011 driver on the assigned PL011, both ways, while the console is the emulated one."""
    path = f"{work}/linux.socket"
    # One open file: closed between, the port would drop what comes in.
    commands = ["cmd:exec+3<>/dev/ttyAMA1;cat+/proc/version+>&3;head+-n+1+<&3;grep+pl011+/proc/interrupts", "off"]
    linux = vq.linux("linux", commands, memory_mib=256, partial=partial("linux-second", PARTIAL))
    with vq.Machine("second-uart-linux", devices=second_serial(path)).start([linux], timeout=90) as run:
        with socket.socket(socket.AF_UNIX) as s:
            assert run.wait_line(r'guest "linux".* starts'), run.tail()
            line = talk(s, path)
            assert line.readline().startswith("Linux version"), run.tail()
            line.write("typed into the second serial\n")
            line.flush()
            run.wait()
    assert run.find("typed into the second serial", "linux"), run.tail()
    assert run.find(r"\d+: +[1-9]\d* +GICv3 +72 Level +uart-pl011", "linux"), run.tail()
    assert run.ended_by_itself, run.tail()
