# SPDX-License-Identifier: Apache-2.0
"""A machine under attack: the hostile guest and the healthy neighbour of tests/attack, and the verdict."""
import os
import re
import sys

import viaduct_qemu as vq
from payloads import assert_ok, guest

sys.path.insert(0, os.path.join(vq.ROOT, "tests", "attack"))
import attacks  # noqa: E402

LINE = re.compile(r"ATTACK (\w+): (contained|BROKE) ?(.*)")
# Viaduct itself has stopped.
DEAD = re.compile(vq.FATAL.pattern + r"|^viaduct: error: (fault in EL2|stopped)")
# On a terminal it would stand at the start of a line.
FORGED = re.compile(r"(^|[\r\v\f\x85]|\x08{3}|\x1b\[[0-9;]*[A-Za-z]|\x9b[0-9;]*[A-Za-z])(viaduct:|\(neighbour\) .*) forged")
SEED = os.environ.get("VIADUCT_SEED", "1")
ONLY = os.environ.get("VIADUCT_ATTACK", "")
UNITS = os.environ.get("VIADUCT_ATTACK_UNITS", "1")
SECONDS = int(os.environ.get("VIADUCT_ATTACK_SECONDS", "300"))      # deadline of a boot
EDU = "edu,dma_mask=0xffffffffffff,addr="
FAR = 0x1234567000        # where log_noise_then_containment sends DMA at last
# Host addresses that DMA goes for: of Viaduct's image, and of the neighbour's RAM. The plan has to say the same.
IMAGE_PA, NEIGHBOUR_PA = 0x40200000, 0x40400000


def shared(name, role):
    return (f'{name} {{ compatible = "xen,domain-shared-memory-v1"; xen,shm-id = "{name}"; '
            f'role = "{role}"; xen,shared-mem = <0 0x80000000 0 0x1000>; }};')


def machine(name, work, gic="3", cpu="max"):
    disk = vq.Disk(f"{work}/{name}.img", 5)
    return vq.Machine(name, cpu=cpu, gic=gic, smp=4, devices=vq.root_port(1, 1) + vq.nvme(disk.path, "rp1") +
                      ["-device", EDU + "2", "-device", EDU + "3"])


def guests(args, gic="3", accomplice=None):
    """An attacker with edu and NVMe, a neighbour with edu, and perhaps an accomplice that attacks as well.

    The neighbour has one CPU, and the accomplice; the attacker has the rest of four.
    """
    off = 'intx = "off";' if gic == "3" else 'msi = "off";'      # the one GICv2m frame is the neighbour's
    own = [vq.Device("edu", "0000:00:02.0", extra="allow-no-reset; " + off),
           vq.Device("nvme", "0000:00:01.0/00.0", extra=off)]
    theirs = [vq.Device("edu", "0000:00:03.0", extra="allow-no-reset;")]
    all_of_them = [guest("neighbour", "neighbour", extra=shared("judge", "owner"), devices=theirs),
                   guest("attacker", "attack", args, cpus=2 if accomplice else 3, extra=shared("judge", "borrower"),
                         devices=own, properties={"watchdog": '"on"'})]
    if accomplice:
        all_of_them.append(guest("accomplice", "attack", accomplice, extra=shared("diary", "owner")))
    return all_of_them


def verdicts(run):
    """name -> (contained, what was said) of each attack that the attacker reported; the worst counts."""
    found = {}
    for line in run.guest("attacker"):
        m = LINE.search(line)
        if m and found.get(m[1], (True,))[0]:
            found[m[1]] = (m[2] == "contained", m[3])
    return found


CPU = {"3": "max", "2": "cortex-a72"}       # most features, and none


# QEMU's own bugs, which end it whatever Viaduct does. An assertion of its CPU interface (QEMU 10.0.2) was seen once
# while all lines of a guest flip; a run that such a thing ends says nothing, so it is done again.
QEMU_BUG = re.compile(r"^qemu-system-aarch64: hw/intc/arm_gicv3_cpuif\.c:\d+: icv_gprio_mask: Assertion")
QEMU_TRIES = 3


def attack(name, work, choice, gic="3", timeout=SECONDS, args="", seed=SEED, accomplice=None):
    """A boot with the attacks of `choice`; returns the run when attacker and neighbour have ended."""
    args = (f"seed={seed} attack.units={UNITS} attack.viaduct=0x{IMAGE_PA:x} attack.neighbour=0x{NEIGHBOUR_PA:x} "
            f"{choice} {args}")
    for _ in range(QEMU_TRIES):
        run = boot(machine(name, work, gic, CPU[gic]), guests(args, gic, accomplice), timeout)
        bug = [line for line in run.lines if QEMU_BUG.search(line)]
        if not bug:
            break
        print(f"{name}: ended by a bug of QEMU, once more: {bug[0]}")
    return run


def boot(on, declared, timeout):
    with on.start(declared, timeout=timeout) as run:
        run.pump(lambda r: r.find(r"PAYLOAD attack: (ok|failures|unexpected)", "attacker") or r.find(DEAD) or
                 r.find('guest "attacker".* refused'))
        if not run.find(DEAD) and not run.child.closed:
            run.pump(lambda r: r.find(r"PAYLOAD neighbour: (ok|failures)", "neighbour"), seconds=60)
    return run


def judge(run, names):
    """Every attack reported that it was contained, the neighbour is well, and nobody forged a line."""
    assert not run.find(DEAD), run.tail()
    assert run.find(rf"^viaduct: Viaduct \S+ at 0x{IMAGE_PA:x},"), "the image is elsewhere: change IMAGE_PA"
    assert run.find(rf"neighbour: *RAM *PA 0x{NEIGHBOUR_PA:x} "), "change NEIGHBOUR_PA"
    seen = verdicts(run)
    assert not [f"{n}: {why}" for n, (contained, why) in seen.items() if not contained], run.tail()
    assert [n for n in names if n not in seen] == [], run.tail()
    assert_ok(run, "neighbour", "neighbour")
    assert not [x for x in run.lines if FORGED.search(x)], "a guest's line looks like Viaduct's"
    if "log_noise_then_containment" in names:
        assert [x for x in run.viaduct() if f"{FAR:x}" in x], "a fault of a device was not said"


def selected(gic):
    """The attacks that one boot with this interrupt controller runs together, and how it is told so."""
    names = [a.name for a in attacks.table() if a.possible(gic) and not a.known_to_break and a.chosen(ONLY)]
    skip = f"attack.skip={','.join(['fuzz_'] + list(attacks.BREAKS))}"
    return names, f"attack.only={ONLY} {skip}" if ONLY else skip
