# SPDX-License-Identifier: Apache-2.0
"""Ways into Viaduct, and what it does with machines and images that are not the usual ones."""
import os
import re
import subprocess

import viaduct_qemu as vq

HELLO = f"{vq.BUILD}/guests/hello.bin"


def hello(name="good", **more):
    return vq.Guest(name, HELLO, memory_mib=32, **more)


def said_hello(run, name="good"):
    lines = [line for line in run.guest(name) if line.startswith("PAYLOAD hello:")]
    return bool(lines) and lines[-1].strip() == "PAYLOAD hello: ok"


def test_payload_boots_and_machine_ends():
    with vq.Machine("payload").start([hello(cpus=2)], timeout=60) as run:
        run.wait()
    assert said_hello(run), run.tail()
    assert run.ended_by_itself, run.tail()


def test_one_linux_guest_without_devices():
    with vq.Machine("one-linux").start([vq.linux("lin", ["cpus", "lspci", "off"], cpus=4)], timeout=120) as run:
        run.wait()
    assert run.result("lin", "cpus")["count"] == "4"
    assert run.result("lin", "lspci")["functions"] == "0"
    assert run.ended_by_itself, run.tail()


def test_gzip_image_is_accepted():
    image = f"{vq.CACHE}/kernel-stable/Image.gz"
    with vq.Machine("gzip").start([vq.linux("lin", ["cpus", "off"], image)], timeout=150) as run:
        run.wait()
    assert run.result("lin", "cpus").ok
    assert run.ended_by_itself, run.tail()


def test_gzip_payload_is_accepted(work):
    packed = f"{work}/hello.bin.gz"
    with open(HELLO, "rb") as f:
        data = subprocess.run(["gzip", "-nc"], stdin=f, stdout=subprocess.PIPE, check=True).stdout
    with open(packed, "wb") as f:
        f.write(data)
    with vq.Machine("gzip-payload").start([vq.Guest("good", packed, memory_mib=32)], timeout=60) as run:
        run.wait()
    assert said_hello(run), run.tail()
    assert run.ended_by_itself, run.tail()


def test_dead_second_host_bridge_does_not_stop_the_boot():
    """Its ECAM is at a physical address where nothing is: each read is an external abort at EL2."""
    bridge = """
/ { pcie@4f00000000 {
    compatible = "pci-host-ecam-generic"; device_type = "pci"; linux,pci-domain = <1>;
    #address-cells = <3>; #size-cells = <2>; #interrupt-cells = <1>; bus-range = <0 0xf>; dma-coherent;
    reg = <0x4f 0x00000000 0 0x01000000>;
    ranges = <0x02000000 0 0x20000000 0x4e 0x00000000 0 0x10000000>;
}; };
"""
    with vq.Machine("dead-bridge").start([hello()], extra_dts=bridge, timeout=60) as run:
        run.wait()
    assert said_hello(run), run.tail()
    assert run.ended_by_itself, run.tail()
    assert any("4f00000000" in line for line in run.viaduct()), run.tail()


def test_entered_at_el1_says_so_and_stops():
    machine = vq.Machine("el1", virtualization=False)
    with machine.start([hello()], timeout=30) as run:
        assert run.wait_line(r"^viaduct: .*EL2"), run.tail()
        run.pump(seconds=3)
        assert len([line for line in run.lines if line.strip()]) <= 2, run.tail()
        assert not run.guest("good")


def test_neighbour_outlives_a_guest():
    """A guest's SYSTEM_OFF is its own: the other goes on to its last beat."""
    idle = f"{vq.BUILD}/guests/idle.bin"
    guests = [hello("short"), vq.Guest("long", idle, memory_mib=32, bootargs="beats=30")]
    with vq.Machine("outlive").start(guests, timeout=60) as run:
        run.wait()
    assert said_hello(run, "short"), run.tail()
    assert any(line.strip() == "PAYLOAD idle: ok" for line in run.guest("long")), run.tail("long")
    assert run.ended_by_itself, run.tail()


def test_image_has_an_arm64_header():
    with open(vq.VIADUCT, "rb") as f:
        head = f.read(64)
    assert head[0x38:0x3c] == b"ARM\x64"
    assert os.path.getsize(vq.VIADUCT) <= 224 * 1024


def test_stay_on_keeps_the_machine_up():
    with vq.Machine("stay-on").start([hello()], chosen="viaduct,stay-on;", timeout=40) as run:
        assert run.pump(said_hello), run.tail()
        run.pump(seconds=3)
        assert run.status is None, "QEMU ended although /chosen has viaduct,stay-on"


def test_lines_are_prefixed():
    """No line of a guest is without its name, and none of Viaduct's without its own."""
    with vq.Machine("prefix").start([hello("one"), hello("two")], timeout=60) as run:
        run.wait()
    assert said_hello(run, "one") and said_hello(run, "two"), run.tail()
    known = re.compile(r"^(viaduct: |\((one|two)\) ?|$)")
    assert not [line for line in run.lines if not known.match(line)], run.tail()
