# SPDX-License-Identifier: Apache-2.0
"""The performance monitors of a guest: counters, events, their interrupt, each life anew; and guests without."""
import pytest

import viaduct_qemu as vq
from payloads import assert_ok, guest
from test_restart import diary


@pytest.mark.parametrize("gic", ["3", "2"])
@pytest.mark.parametrize("cpu", ["cortex-a72", "max"])
def test_counters_beside_a_guest_without(cpu, gic):
    """Two guests count, a third has pmu = "off"; on `max` EL2 can be kept from being counted."""
    machine = vq.Machine(f"pmu-{cpu}-gic{gic}", cpu=cpu, gic=gic, smp=4)
    args = "pmu.el2=1" if cpu == "max" else ""
    guests = [guest("left", "pmu", args, cpus=2, extra=diary("left")), guest("right", "pmu", args, extra=diary("right")),
              guest("none", "pmu", "pmu.hidden=1", properties={"pmu": '"off"'})]
    with machine.start(guests, timeout=90) as run:
        run.wait()
    for name in ("left", "right"):
        lines = assert_ok(run, name, "pmu")
        assert "life=1" in lines and "life=2" in lines, run.tail(name)
        assert len([x for x in lines if x.startswith("overflow=5")]) == 3, run.tail(name)
        assert [x for x in run.viaduct() if f"{name}:   CPUs" in x and "; PMU" in x], run.tail()
    assert_ok(run, "none", "pmu")
    assert run.ended_by_itself, run.tail()


def test_retired_instructions():
    """QEMU counts them only with -icount: exactly as many as the loop has."""
    machine = vq.Machine("pmu-icount", smp=1, accel="tcg,thread=single", extra=["-icount", "shift=2"])
    with machine.start([guest("g", "pmu", "pmu.icount=1", extra=diary("g"))], timeout=120) as run:
        run.wait()
    lines = assert_ok(run, "g", "pmu")
    assert [x for x in lines if x.startswith("inst_retired=")], run.tail("g")


def test_pmu_on_without_one():
    """A CPU that has none refuses who insists, and the others have no node."""
    machine = vq.Machine("pmu-absent", cpu="max,pmu=off", smp=2)
    guests = [guest("wants", "pmu", "pmu.hidden=1", properties={"pmu": '"on"'}),
              guest("plain", "pmu", "pmu.hidden=1")]
    with machine.start(guests, timeout=60) as run:
        run.wait()
    assert [x for x in run.viaduct() if "wants" in x and "performance monitors" in x], run.tail()
    assert_ok(run, "plain", "pmu")


@pytest.mark.parametrize("gic", ["3", "2"])
def test_linux_finds_it(gic):
    machine = vq.Machine(f"pmu-linux-gic{gic}", gic=gic, smp=2)
    steps = ["cmd:" + "dmesg|grep hw.perfevents;ls /sys/bus/event_source/devices;grep pmu /proc/interrupts"
             .replace(" ", "+"), "off"]
    with machine.start([vq.linux("linux", steps, cpus=2)], timeout=150) as run:
        run.wait()
    assert run.find(r"hw perfevents: enabled with armv8_pmuv3 PMU driver", "linux"), run.tail("linux")
    assert run.find(r"^armv8_pmuv3", "linux"), run.tail("linux")
