# SPDX-License-Identifier: Apache-2.0
"""SVE for those guests that have it: their length, their registers, each life anew; and guests without."""
import pytest

import viaduct_qemu as vq
from payloads import assert_ok, guest
from test_restart import diary


@pytest.mark.parametrize("gic", ["3", "2"])
def test_two_guests_with_vectors_beside_one_without(gic):
    """Each finds what it filled its registers with; behind a restart and a CPU_ON nothing is left."""
    machine = vq.Machine(f"sve-gic{gic}", cpu="max", gic=gic, smp=4)
    guests = [guest("left", "sve", "sve.bits=512 sve.fill=0x5a", cpus=2, extra=diary("left"),
                    properties={"sve": "<512>"}),
              guest("right", "sve", "sve.bits=2048 sve.fill=0x33", extra=diary("right"), properties={"sve": ""}),
              guest("none", "sve", "sve.bits=0")]
    with machine.start(guests, timeout=90) as run:
        run.wait()
    for name, bits in (("left", 512), ("right", 2048)):
        lines = assert_ok(run, name, "sve")
        assert "life=1" in lines and "life=2" in lines, run.tail(name)
        assert [x for x in run.viaduct() if f"{name}:   CPUs" in x and f"; SVE, {bits} bits" in x], run.tail()
    assert len([x for x in assert_ok(run, "left", "sve") if x == "cpu-on zero ok"]) == 6, run.tail("left")
    assert_ok(run, "none", "sve")
    assert run.ended_by_itself, run.tail()


@pytest.mark.parametrize("cpu, bits, why", [("cortex-a72", "<256>", "not every CPU has SVE"),
                                            ("max,sve512=off", "<512>", "give one of these"),
                                            ("max", "<100>", "give one of these")])
def test_what_the_cpus_have_not_is_refused(cpu, bits, why):
    machine = vq.Machine("sve-refused", cpu=cpu, smp=2)
    guests = [guest("wants", "sve", properties={"sve": bits}), guest("plain", "sve", "sve.bits=0")]
    with machine.start(guests, timeout=60) as run:
        run.wait()
    assert [x for x in run.viaduct() if "wants" in x and why in x], run.tail()
    assert_ok(run, "plain", "sve")


def test_linux_has_it():
    machine = vq.Machine("sve-linux", cpu="max", smp=2)
    steps = ["cmd:grep+-o+-w+-m1+sve2+/proc/cpuinfo;cat+/proc/sys/abi/sve_default_vector_length", "off"]
    with machine.start([vq.linux("linux", steps, cpus=2, properties={"sve": "<256>"})], timeout=150) as run:
        run.wait()
    assert run.find(r"SVE: maximum available vector length 32 bytes", "linux"), run.tail("linux")
    assert run.find(r"^sve2", "linux"), run.tail("linux")
