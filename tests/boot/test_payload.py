# SPDX-License-Identifier: Apache-2.0
"""The EL1 payloads of tests/guests: as guests, and on the bare machine as a control of themselves."""
import re

import pytest

import viaduct_qemu as vq
from payloads import assert_ok, bare, guest


def assert_cpus(lines, cpus):
    for cpu in range(1, cpus):
        assert [x for x in lines if re.match(rf"cpu={cpu} el=1 mpidr=\w+ ok", x)], lines
        assert f"sgi cpu={cpu} irqs=3 ok" in lines
        assert f"off cpu={cpu} affinity_info=1 ok" in lines
    assert f"cpus={cpus} " in "\n".join(lines)


@pytest.mark.parametrize("gic", ["3", "2"])
@pytest.mark.parametrize("cpu", ["cortex-a72", "max"])
@pytest.mark.parametrize("cpus", [1, 4])
def test_hello(cpus, cpu, gic):
    machine = vq.Machine(f"hello-{cpus}-{cpu}-gic{gic}", cpu=cpu, gic=gic)
    with machine.start([guest("g", "hello", cpus=cpus)], timeout=60) as run:
        run.wait()
    lines = assert_ok(run, "g", "hello")
    assert_cpus(lines, cpus)
    assert "timer irqs=1 ok" in lines
    assert run.ended_by_itself, run.tail()


@pytest.mark.parametrize("cpu, gic", [("cortex-a72", "3"), ("max", "3"), ("cortex-a72", "2")])
def test_faults_hit_only_the_guest(cpu, gic):
    """Every misbehaviour gives what the architecture gives; the neighbour does not notice."""
    guests = [guest("bad", "faults", cpus=2), guest("good", "idle", "beats=30")]
    with vq.Machine(f"faults-{cpu}-gic{gic}", cpu=cpu, gic=gic).start(guests, timeout=120) as run:
        run.wait()
    lines = assert_ok(run, "bad", "faults")
    assert len([x for x in lines if x.startswith("sweep ")]) >= 2 + 3 * 2
    assert_ok(run, "good", "idle")
    assert run.ended_by_itself, run.tail()
    # What a guest can cause is limited; a sweep makes hundreds of thousands of accesses.
    assert len([line for line in run.viaduct() if line.startswith("bad:")]) < 200


def test_busy_neighbour_does_not_stop_a_guest():
    guests = [guest("busy", "spin", "beats=20", cpus=2), guest("calm", "idle", "beats=20")]
    with vq.Machine("busy").start(guests, timeout=60) as run:
        run.wait()
    for name, payload in (("busy", "spin"), ("calm", "idle")):
        beats = [x for x in assert_ok(run, name, payload) if x.startswith("beat=")]
        assert beats == [f"beat={i}" for i in range(1, 21)]


def test_bare_hello():
    with bare("bare-hello", "hello", cpus=4) as run:
        run.wait()
    assert_cpus(assert_ok(run, "", "hello"), 4)


def test_bare_faults():
    with bare("bare-faults", "faults", "bare=1") as run:
        run.wait()
    assert_ok(run, "", "faults")


def test_bare_edu():
    with bare("bare-edu", "edu", devices=["-device", "edu,addr=2,dma_mask=0xffffffffffff"]) as run:
        run.wait()
    lines = assert_ok(run, "", "edu")
    assert "msi intid=8192 raised=100 irqs=100 without-status=0 ok" in lines
