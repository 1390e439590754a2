# SPDX-License-Identifier: Apache-2.0
"""Guests see the time, and a guest that hangs is ended by its watchdog, as on-crash says."""
import datetime
import re

import pytest

import viaduct_qemu as vq
from payloads import assert_ok, guest, payload_lines
from test_restart import diary

WATCHDOG = {"watchdog": '"on"'}
EXPIRED = "its watchdog was not refreshed"


def expiries(run, name):
    return len([x for x in run.viaduct() if x.endswith(f"{name}: {EXPIRED}")])


@pytest.mark.parametrize("gic", ["3", "2"])
def test_registers_alarm_and_lives_that_hang(gic):
    """Every register; then five lives that hang, each in another way, beside a guest that looks after its memory."""
    epoch = 1_800_000_000
    guests = [guest("hangs", "clock", f"clock.hangs=5 clock.epoch={epoch}", cpus=2, extra=diary("hangs"),
                    properties=WATCHDOG),
              guest("stops", "clock", f"clock.hangs=1 clock.epoch={epoch}", extra=diary("stops"),
                    properties=WATCHDOG | {"on-crash": '"stop"'}),
              guest("leaves", "clock", f"clock.off=1 clock.epoch={epoch}", properties=WATCHDOG),
              guest("victim", "victim", "beats=100")]
    with vq.Machine(f"clock-gic{gic}", gic=gic, smp=5).start(
            guests, chosen=f"viaduct,epoch = <{epoch}>;", timeout=150) as run:
        run.wait()
    lines = assert_ok(run, "hangs", "clock")
    assert [x for x in lines if x.startswith("life=")] == [f"life={n}" for n in range(6)]
    waits = [re.search(r"hangs: waits (\d+) ms", x) for x in run.viaduct()]
    assert [int(m[1]) for m in waits if m] == [100, 200, 400, 800, 1600], run.tail()
    # What EL2 had for the guest it has again: nothing is lost from life to life.
    kept = [m[1] for m in (re.search(r"hangs: starts again \(life \d+; (.*)\)", x) for x in run.viaduct()) if m]
    assert len(kept) == 5 and len(set(kept)) == 1, kept
    assert [x for x in payload_lines(run, "stops", "clock") if x.startswith("life=")] == ["life=0"]
    assert [expiries(run, n) for n in ("hangs", "stops", "leaves")] == [5, 1, 0], run.tail()
    assert_ok(run, "leaves", "clock")
    assert_ok(run, "victim", "victim")
    assert run.ended_by_itself, run.tail()


def test_a_guest_has_neither_if_it_does_not_want_them():
    """... and then no interrupt of a timer of EL2, nor of the guest: it takes no timer interrupts itself."""
    nothing = guest("nothing", "clock", properties={"rtc": '"off"'})
    with vq.Machine("clock-none", smp=1).start([nothing], timeout=60) as run:
        run.wait()
    lines = assert_ok(run, "nothing", "clock")
    assert "no rtc" in lines and "no watchdog" in lines
    assert [x for x in run.viaduct() if "nothing: vCPU 0 exits:" in x and " timer=0 " in x], run.tail()


@pytest.mark.parametrize("kernel, gic", [("stable", "3"), ("stable", "2"), ("new", "3")])
def test_linux_knows_the_date_and_is_woken_by_an_alarm(kernel, gic):
    """QEMU's RTC has the date of this machine. What Linux writes is its own: another guest does not see it."""
    wake = "cmd:n=$(cat+/sys/class/rtc/rtc0/since_epoch);echo+$((n+2))>/sys/class/rtc/rtc0/wakealarm".replace(
        "n+2", "n-(-2)")
    tests = ["cmd:echo+DATE=$(date+-u+-Iseconds)", wake, "cmd:sleep+5;grep+rtc-pl031+/proc/interrupts"]
    set_it = ["cmd:date+-s+2001-02-03&&hwclock+-w+-u", "cmd:sleep+1;echo+RTC=$(hwclock+-u)"]
    read_it = ["cmd:sleep+8;echo+RTC=$(cat+/sys/class/rtc/rtc0/date)"]
    before = datetime.datetime.now(datetime.timezone.utc)
    machine = vq.Machine(f"clock-linux-{kernel}-gic{gic}", gic=gic, smp=2)
    with machine.start([vq.linux("sets", tests + set_it, kernel), vq.linux("reads", read_it, kernel)],
                       timeout=150) as run:
        run.wait()
    shown = re.search(r"DATE=(\S+)", run.find("^DATE=", "sets") or "")
    assert shown, run.tail("sets")
    date = datetime.datetime.fromisoformat(shown[1].replace("UTC", "+00:00"))
    # Whole seconds, and the two clocks may differ by one.
    assert before - datetime.timedelta(seconds=2) <= date <= datetime.datetime.now(datetime.timezone.utc)
    fired = re.search(r"rtc-pl031", run.find("rtc-pl031", "sets") or "")
    assert fired, run.tail("sets")
    counts = re.search(r":\s+(\d+)", run.find("rtc-pl031$", "sets"))
    assert counts and int(counts[1]) == 1, run.tail("sets")
    assert run.find("^RTC=.*Feb.*2001", "sets"), run.tail("sets")
    assert run.find(f"^RTC={before.year}-", "reads"), run.tail("reads")
    assert run.ended("sets") and run.ended("reads") and run.ended_by_itself, run.tail()
