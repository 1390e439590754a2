# SPDX-License-Identifier: Apache-2.0
"""Large machines: more CPUs, guests and functions than any board that Viaduct is made for."""
import re

import viaduct_qemu as vq
from payloads import assert_ok, guest
from test_payload import assert_cpus


def test_24_guests_and_a_wide_one():
    """24 guests of one vCPU beside one of 20, on 48 CPUs: each runs and ends by itself."""
    guests = [guest("wide", "hello", cpus=20)] + \
        [guest(f"g{n}", "idle", "beats=2") for n in range(24)]
    with vq.Machine("sizes-guests", smp=48).start(guests, timeout=600) as run:
        run.wait()
    assert_cpus(assert_ok(run, "wide", "hello"), 20)
    for n in range(24):
        assert_ok(run, f"g{n}", "idle")
    assert run.ended_by_itself, run.tail()


def test_one_guest_in_two_clusters():
    """48 CPUs, 16 to a cluster; 20 vCPUs that start, interrupt one another across clusters, and go off."""
    with vq.Machine("sizes-cpus", smp=48).start([guest("wide", "hello", cpus=20)], timeout=300) as run:
        run.wait()
    assert "viaduct: 48 of 48 CPUs started" in run.lines, run.tail()
    lines = assert_ok(run, "wide", "hello")
    assert_cpus(lines, 20)
    assert "cpu=15 el=1 mpidr=8000000f ok" in lines and "cpu=16 el=1 mpidr=80000100 ok" in lines
    assert run.ended_by_itself, run.tail()


SWITCHES, PORTS = 5, 8  # each port with one device of 8 functions


def switch(n):
    """A switch below root port `n` + 1: behind each port an edu and seven test devices."""
    args = ["-device", f"pcie-root-port,id=rp{n},chassis={n},slot={n},addr={n + 1:x}.0",
            "-device", f"x3130-upstream,id=up{n},bus=rp{n}"]
    for port in range(PORTS):
        bus = f"down{n}.{port}"
        args += ["-device", f"xio3130-downstream,id={bus},bus=up{n},chassis={n + 1}{port},slot={port},addr={port:x}.0",
                 "-device", f"edu,bus={bus},addr=0.0,multifunction=on,dma_mask=0xffffffffffff"]
        for function in range(1, 8):
            args += ["-device", f"pci-testdev,bus={bus},addr=0.{function}"]
    return args


def test_functions_behind_switches():
    """320 functions behind five switches, with 50 bridges: all in the plan; a guest uses the last edu.

    One CPU: beside so many devices QEMU is slow to start a second one.
    """
    last = vq.Device("edu", f"0000:00:{SWITCHES:02x}.0/00.0/{PORTS - 1:02x}.0/00.0", extra="allow-no-reset;")
    devices = [a for n in range(SWITCHES) for a in switch(n)]
    machine = vq.Machine("sizes-functions", smp=1, devices=devices)
    with machine.start([guest("last", "edu", devices=[last])], timeout=300) as run:
        run.wait()
    assert_ok(run, "last", "edu")
    found = int(re.search(r"(\d+) functions$", run.find(r"^viaduct: pci: 0000: .* functions$"))[1])
    assert found >= SWITCHES * (2 + PORTS * 9), run.tail()
    spare = [line for line in run.lines if re.match(r"viaduct: device 0000:\S+ .*: no guest has it", line)]
    assert len(spare) >= SWITCHES * PORTS * 8 - 1, run.tail()
    assert run.ended_by_itself, run.tail()
