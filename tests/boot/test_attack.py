# SPDX-License-Identifier: Apache-2.0
"""The attack suite: a hostile guest runs the named attacks of tests/attack beside a healthy neighbour.

An attack is contained when the attacker itself sees nothing that it should not, the neighbour's memory,
interrupts and DMA are as they should be, the neighbour makes progress while the attack runs, and
Viaduct goes on. `make attack LIST=1` prints the table of attacks.
"""
import os
import re
import sys

import pytest

import viaduct_qemu as vq
from payloads import assert_ok, guest

sys.path.insert(0, os.path.join(vq.ROOT, "tests", "attack"))
import attacks  # noqa: E402

LINE = re.compile(r"ATTACK (\w+): (contained|BROKE) ?(.*)")
SEED = os.environ.get("VIADUCT_SEED", "1")
ONLY = os.environ.get("VIADUCT_ATTACK", "")
UNITS = os.environ.get("VIADUCT_ATTACK_UNITS", "3")
EDU = "edu,dma_mask=0xffffffffffff,addr="


def shared(role):
    return ('judge { compatible = "xen,domain-shared-memory-v1"; xen,shm-id = "judge"; '
            f'role = "{role}"; xen,shared-mem = <0 0x80000000 0 0x1000>; }};')


def machine(name, work, gic="3", cpu="cortex-a72"):
    disk = vq.Disk(f"{work}/{name}.img", 5)
    return vq.Machine(name, cpu=cpu, gic=gic, smp=4, devices=vq.root_port(1, 1) + vq.nvme(disk.path, "rp1") +
                      ["-device", EDU + "2", "-device", EDU + "3"])


def guests(args):
    """The attacker has three vCPUs, an edu device and an NVMe controller; the neighbour one vCPU and an edu device."""
    own = [vq.Device("edu", "0000:00:02.0", extra='allow-no-reset; intx = "off";'),
           vq.Device("nvme", "0000:00:01.0/00.0", extra='intx = "off";')]
    theirs = [vq.Device("edu", "0000:00:03.0", extra='allow-no-reset;')]
    return [guest("neighbour", "neighbour", extra=shared("owner"), devices=theirs),
            guest("attacker", "attack", args, cpus=3, extra=shared("borrower"), devices=own)]


def verdicts(run):
    """name -> (contained, what was said) of each attack that the attacker reported; the worst counts."""
    found = {}
    for line in run.guest("attacker"):
        m = LINE.search(line)
        if m and found.get(m[1], (True,))[0]:
            found[m[1]] = (m[2] == "contained", m[3])
    return found


def attack(name, work, names, gic="3", timeout=300):
    """One boot in which these attacks run; returns the run."""
    args = f"seed={SEED} attack.units={UNITS} attack.only={','.join(names)}"
    with machine(name, work, gic).start(guests(args), timeout=timeout) as run:
        run.pump(lambda r: r.find(r"PAYLOAD attack: (ok|failures|unexpected)") or r.find(vq.FATAL))
        if not run.find(vq.FATAL):
            run.pump(lambda r: r.find(r"PAYLOAD neighbour: (ok|failures)"), seconds=60)
    return run


def judge(run, names):
    """Every attack reported that it was contained, and the neighbour is well."""
    assert not run.find(vq.FATAL), run.tail()
    seen = verdicts(run)
    assert not [f"{n}: {why}" for n, (contained, why) in seen.items() if not contained], run.tail()
    assert [n for n in names if n not in seen] == [], run.tail()
    assert_ok(run, "neighbour", "neighbour")
    assert not [x for x in run.viaduct() if "forged" in x], run.tail()


def selected(gic):
    """The attacks that one boot with this interrupt controller runs together."""
    return [a.name for a in attacks.table() if a.possible(gic) and not a.known_to_break and a.chosen(ONLY)]


@pytest.mark.parametrize("gic", ["3", "2"])
def test_attacks_are_contained(gic, work):
    names = selected(gic)
    judge(attack(f"attack-gic{gic}", work, names, gic), names)


@pytest.mark.parametrize("name", [a.name for a in attacks.table() if a.known_to_break and a.chosen(ONLY)])
def test_attack_that_is_known_to_break_through(name, work):
    """Expected to fail until its cause is mended; then its row in attacks.BREAKS goes."""
    run = attack(f"attack-{name}", work, [name], timeout=90)
    try:
        judge(run, [name])
    except AssertionError:
        pytest.xfail(attacks.BREAKS[name])
    pytest.fail(f"{name} is contained now: take it out of BREAKS in tests/attack/attacks.py")
