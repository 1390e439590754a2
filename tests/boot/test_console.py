# SPDX-License-Identifier: Apache-2.0
"""The shared console, with two Linux shells: input goes to one guest, Ctrl-a three times switches."""
import re
import socket
import sys
import time

import pexpect
import pytest

import viaduct_qemu as vq


@pytest.fixture(scope="module")
def run():
    guests = [vq.linux(name, ["shell", "off"]) for name in ("left", "right")]
    with vq.Machine("console", smp=2).start(guests, timeout=150) as r:
        for name in ("left", "right"):
            assert r.wait_line(r"^VIADUCT-BEGIN", name), r.tail(name)
        r.pump(seconds=4)       # the modules load, the shells come up
        yield r


def ask(run, word):
    """Types a command whose answer is not in the command; returns who answers."""
    run.send(f"echo {word}-$((40 + 2))\r")
    run.pump(lambda r: any(r.find(rf"^{word}-42", g) for g in ("left", "right")), 20)
    return [g for g in ("left", "right") if run.find(rf"^{word}-42", g)]


def test_input_goes_to_one_guest_and_switches(run):
    first = ask(run, "first")
    assert len(first) == 1, run.tail()
    run.send(vq.SWITCH)
    second = ask(run, "second")
    assert len(second) == 1 and second != first, run.tail()


def test_double_ctrl_a_is_one_ctrl_a(run):
    """Ctrl-a twice and another key: the shell's line editor goes to the start of the line."""
    run.send("tail-$((40 + 2))\x01\x01echo edited-\r")
    assert run.wait_line(r"^edited-tail-42", seconds=20) or \
        any(run.find(r"^edited-tail-42", g) for g in ("left", "right")), run.tail()


def test_machine_ends_after_both_shells(run):
    run.send("exit\r")
    run.pump(lambda r: r.ended("left") or r.ended("right"), 20)
    run.send(vq.SWITCH)
    run.send("exit\r")
    run.wait()
    assert run.ended("left") and run.ended("right"), run.tail()
    assert run.ended_by_itself, run.tail()


def test_make_run(work):
    """What `make run` starts, on a terminal: each guest's shell in turn, then both off, and it ends by itself."""
    with open(f"{work}/make-run.log", "w", encoding="utf-8") as log:
        run = pexpect.spawn(sys.executable, [f"{vq.ROOT}/tools/qemu/demo.py", "--interactive"], logfile=log,
                            encoding="utf-8", codec_errors="replace", timeout=120, dimensions=(50, 200))
        try:
            for _ in ("disk", "net"):
                run.expect("VIADUCT-BEGIN")
            time.sleep(4)       # the modules load, the shells come up
            run.send("echo first-$((40 + 2))\r")
            run.expect(r"\((disk|net)\) first-42")
            first = run.match[1]
            run.send(f"{vq.SWITCH}echo second-$((40 + 2))\r")
            run.expect(r"\((disk|net)\) second-42")
            second = run.match[1]
            assert first != second
            run.send("poweroff -f\r")
            run.expect(f"viaduct: {second}: off")
            run.send(f"{vq.SWITCH}poweroff -f\r")
            run.expect(f"viaduct: {first}: off")
            run.expect(pexpect.EOF)
        finally:
            run.close()
    assert run.exitstatus == 0
    with open(f"{vq.BUILD}/boot-logs/run.log", encoding="utf-8") as kept:
        assert "second-42" in kept.read()


def test_stdout_path_names_another_uart(work):
    """An alias with a speed behind it: output and, by its interrupt, input are there; the first UART stays silent."""
    path = f"{work}/uart1"
    serial = ["-chardev", f"socket,id=uart1,path={path},server=on,wait=off", "-serial", "chardev:uart1"]
    guest = vq.Guest("idle", f"{vq.BUILD}/guests/idle.bin", memory_mib=32, bootargs="beats=100000")
    chosen = '/ { chosen { stdout-path = "serial1:115200n8"; }; };'
    with vq.Machine("console-second", smp=2, devices=serial).start([guest], extra_dts=chosen, timeout=40) as run:
        said = b""
        with socket.socket(socket.AF_UNIX) as uart:
            uart.settimeout(20)
            assert run.pump(lambda r: uart.connect_ex(path) == 0, 10)
            for want, answer in ((b"(idle) PAYLOAD idle: beat=2", b"\x01h"), (b"viaduct: Ctrl-a: three times", b"")):
                deadline = time.monotonic() + 20
                while want not in said:
                    assert time.monotonic() < deadline, said[-500:]
                    said += uart.recv(4096)
                uart.sendall(answer)
        run.pump(seconds=0.5)
        assert not [line for line in run.lines if line.strip()], run.tail()


def operate(run, letter, *lines):
    """A command behind Ctrl-a, and the lines that it asks for, each when it asks."""
    def asked(r):
        return len([x for x in r.viaduct() if "and Enter" in x])

    before = asked(run)
    run.send(f"\x01{letter}")
    for n, line in enumerate(lines, before + 1):
        assert run.pump(lambda r, n=n: asked(r) >= n, 20), run.tail()
        run.send(f"{line}\r")


def beats(run, name):
    return len([x for x in run.guest(name) if "beat=" in x])


def test_the_operator_lists_restarts_stops_and_starts_guests():
    """Input leaves the guest that is stopped; the machine goes off with the last one."""
    guests = [vq.Guest(name, f"{vq.BUILD}/guests/idle.bin", memory_mib=32, bootargs="beats=100000")
              for name in ("left", "right")]
    with vq.Machine("operator", smp=2).start(guests, timeout=90) as run:
        assert run.pump(lambda r: beats(r, "left") > 2 and beats(r, "right") > 2, 30), run.tail()
        operate(run, "l")
        assert run.wait_line(r"^viaduct: 1 \w+: running for \d+ s, vCPUs 1, restarts 0, has the input", seconds=20)
        first = re.search(r"^1 (\w+):", next(x for x in run.viaduct() if x.startswith("1 ")))[1]
        other = "left" if first == "right" else "right"
        operate(run, "p", other)
        assert run.pump(lambda r: len([x for x in r.viaduct() if x.startswith(f"{other}:   CPUs  ")]) == 2, 20), run.tail()
        operate(run, "r", other, "y")
        assert run.wait_line(rf"^viaduct: {other}: starts again \(life 2;", seconds=20), run.tail()
        assert run.pump(lambda r: len([x for x in r.guest(other) if x.endswith("beat=1")]) == 2, 20), run.tail()
        operate(run, "l")
        assert run.wait_line(rf"^viaduct: \d {other}: running for \d+ s, vCPUs 1, restarts 1", seconds=20), run.tail()
        assert run.wait_line(r"^viaduct:   exits: mmio=\d+ call=\d+ ipi=", seconds=20), run.tail()
        operate(run, "k", first, "n")
        operate(run, "k", first, "y")
        assert run.wait_line(rf"^viaduct: {first}: off", seconds=20), run.tail()
        assert run.wait_line(rf"^viaduct: input to {other}", seconds=20), run.tail()
        operate(run, "l")
        assert run.wait_line(rf"^viaduct: 1 {first}: off, vCPUs 1", seconds=20), run.tail()
        operate(run, "s", "1")
        assert run.wait_line(rf"^viaduct: {first}: starts again \(life 2;", seconds=20), run.tail()
        assert run.pump(lambda r: len([x for x in r.guest(first) if x.endswith("beat=1")]) == 2, 20), run.tail()
        for name in (first, other):
            operate(run, "k", name, "y")
            assert run.wait_line(rf"^viaduct: {name}: off", seconds=20), run.tail()
        run.wait()
    assert run.ended_by_itself, run.tail()


def test_a_product_has_no_commands():
    chosen = '/ { chosen { viaduct,console-commands = "off"; }; };'
    guest = vq.Guest("idle", f"{vq.BUILD}/guests/idle.bin", memory_mib=32, bootargs="beats=100000")
    with vq.Machine("no-commands", smp=1).start([guest], extra_dts=chosen, timeout=60) as run:
        assert run.pump(lambda r: beats(r, "idle") > 2, 30), run.tail()
        run.send("\x01l\x01kidle\ry\r\x01h")
        assert run.wait_line("^viaduct: Ctrl-a: three times: next guest; h: help$", seconds=20), run.tail()
        seen = beats(run, "idle")
        assert run.pump(lambda r: beats(r, "idle") > seen + 2, 20), run.tail()
        assert not [x for x in run.viaduct() if "which guest" in x or "restarts" in x], run.tail()
