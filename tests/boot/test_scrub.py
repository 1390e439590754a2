# SPDX-License-Identifier: Apache-2.0
"""What a guest leaves behind in memory, looked at from outside."""
import os

import viaduct_qemu as vq
from payloads import assert_ok, guest
from qmp import Qmp, qmp_option

K = 0x9e3779b97f4a7c15      # as in tests/guests/victim.c
AT = 0x40400000             # an address in the guest's pattern


def words(at, count):
    return b"".join(((at + 8 * i) * K & (1 << 64) - 1).to_bytes(8, "little") for i in range(count))


def has_pattern(monitor, work):
    """Is the guest's pattern in the first 128 MiB? Guests get their memory from the bottom."""
    path = f"{work}/memory"
    monitor.command("pmemsave", val=0x40000000, size=128 << 20, filename=path)
    with open(path, "rb") as f:
        found = words(AT, 8) in f.read()
    os.unlink(path)
    return found


def test_ram_is_scrubbed_when_a_guest_goes_off(work):
    path = f"{work}/scrub.qmp"
    machine = vq.Machine("scrub", memory="1G", extra=qmp_option(path))
    with machine.start([guest("g", "victim", "beats=8")], chosen="viaduct,stay-on;", timeout=40) as run:
        monitor = Qmp(path)
        assert run.wait_line(r"PAYLOAD victim: beat", guest="g")
        assert has_pattern(monitor, work)
        run.wait_line(r"no guest is left")
        assert not has_pattern(monitor, work)
    assert_ok(run, "g", "victim")


def test_a_long_scrub_is_told_before():
    """On a board with much RAM the console would stand still, and nobody would know why."""
    guests = [guest("large", "hello", properties={"memory": "<0 0x100000>"}), guest("small", "hello")]
    with vq.Machine("long-scrub", memory="2G").start(guests, timeout=60) as run:
        run.wait()
    assert_ok(run, "large", "hello")
    said = [line for line in run.viaduct() if "of RAM" in line]
    assert said == ["large: clears its 1024 MiB of RAM"], said
