# SPDX-License-Identifier: Apache-2.0
"""Guests that sleep: PSCI's CPU_SUSPEND and SYSTEM_SUSPEND, beside a neighbour that works.

Shown by what the guest finds: the timer that it set has fired when it comes back, the interrupt that woke it is there.
"""
import pytest

import viaduct_qemu as vq
from payloads import assert_ok, guest, payload_lines
from test_restart import diary

EDU = ["-device", "edu,addr=5,dma_mask=0xffffffffffff"]


def edu():
    return [vq.Device("edu", "0000:00:05.0", extra="allow-no-reset;")]


@pytest.mark.parametrize("gic", ["3", "2"])
def test_psci_suspend(gic):
    """Timer, SGI, a device's line and message, and input wake it; the neighbour's beats go on."""
    machine = vq.Machine(f"suspend-gic{gic}", gic=gic, smp=3, devices=EDU)
    guests = [guest("sleeper", "suspend", cpus=2, devices=edu()), guest("victim", "victim", "beats=60")]
    with machine.start(guests, timeout=120) as run:
        assert run.wait_line(r"^PAYLOAD suspend: asleep", "sleeper"), run.tail()
        beats = len(payload_lines(run, "victim", "victim"))
        assert run.pump(lambda r: len(payload_lines(r, "victim", "victim")) > beats + 2, 20), run.tail("victim")
        assert not run.find(r"^PAYLOAD suspend: input", "sleeper"), run.tail("sleeper")
        run.send("x")
        run.wait()
    lines = assert_ok(run, "sleeper", "suspend")
    for what in ("standby", "powerdown", "system", "intx", "msi", "input"):
        assert [x for x in lines if x.startswith(f"{what} result=")], (what, run.tail("sleeper", 60))
    assert_ok(run, "victim", "victim")
    assert run.ended_by_itself, run.tail()


@pytest.mark.parametrize("gic", ["3", "2"])
def test_a_guest_starts_again_while_a_vcpu_sleeps(gic):
    """CPU 1 goes to sleep, sleeps, or wakes up, when CPU 0 starts the guest again."""
    times = 40
    machine = vq.Machine(f"suspend-restart-gic{gic}", gic=gic, smp=3)
    guests = [guest("sleeper", "suspend", f"suspend.then=restart suspend.times={times}", cpus=2,
                    extra=diary("sleeper")), guest("victim", "victim", "beats=30")]
    with machine.start(guests, timeout=120) as run:
        run.wait()
    lines = assert_ok(run, "sleeper", "suspend")
    assert [x for x in lines if x.startswith("life=")] == [f"life={n}" for n in range(1, times + 2)]
    assert_ok(run, "victim", "victim")
    assert run.ended_by_itself, run.tail()


@pytest.mark.parametrize("gic", ["3", "2"])
def test_the_operator_restarts_and_stops_a_guest_that_sleeps(gic):
    """Nothing can wake it; the list says that it is suspended."""
    machine = vq.Machine(f"suspend-operator-gic{gic}", gic=gic, smp=2)
    guests = [guest("sleeper", "suspend", "suspend.then=wait", extra=diary("sleeper")),
              guest("victim", "victim", "beats=1000000")]
    with machine.start(guests, timeout=120) as run:
        assert run.wait_line(r"^PAYLOAD suspend: life=1", "sleeper"), run.tail()
        for _ in range(100):
            run.send("\x01l")
            if run.wait_line(r"sleeper: suspended", seconds=1):
                break
        assert [x for x in run.viaduct() if "sleeper: suspended" in x], run.tail()
        run.send("\x01rsleeper\ry\r")
        assert run.wait_line(r"^PAYLOAD suspend: life=2", "sleeper"), run.tail()
        assert run.wait_line(r"^PAYLOAD suspend: ok", "sleeper"), run.tail()
        beats = payload_lines(run, "victim", "victim")
    assert beats and not [x for x in beats if x.endswith("FAIL")], run.tail("victim")


SLEEP = ("echo enabled >/sys/class/tty/ttyAMA0/power/wakeup;"
         "cat /sys/power/state /sys/power/mem_sleep;"
         "echo going-to-sleep;echo {state} >/sys/power/state;echo woke-up-$?;cat /sys/devices/system/cpu/online")


@pytest.mark.parametrize("gic", ["3", "2"])
@pytest.mark.parametrize("state", ["mem", "freeze"])
def test_linux_sleeps_until_its_console_has_input(state, gic):
    """All CPUs but one go off for mem, and come back."""
    machine = vq.Machine(f"suspend-linux-{state}-gic{gic}", gic=gic, smp=3)
    guests = [vq.linux("linux", ["cmd:" + SLEEP.format(state=state).replace(" ", "+"), "off"], cpus=2,
                       options="no_console_suspend"), guest("victim", "victim", "beats=1000000")]
    with machine.start(guests, timeout=240) as run:
        assert run.wait_line(r"^going-to-sleep", "linux"), run.tail("linux")
        run.pump(seconds=8)
        assert not run.find(r"woke-up-\d", "linux"), run.tail("linux")
        beats = len(payload_lines(run, "victim", "victim"))
        assert run.pump(lambda r: len(payload_lines(r, "victim", "victim")) > beats + 2, 20), run.tail("victim")
        run.send("\r")
        assert run.wait_line(r"woke-up-0", "linux"), run.tail("linux", 60)
        assert run.wait_line(r"^0-1$", "linux"), run.tail("linux", 60)
    assert state != "mem" or run.find(r"\[deep\]", "linux"), run.tail("linux", 60)
    assert not [x for x in payload_lines(run, "victim", "victim") if x.endswith("FAIL")], run.tail("victim")
