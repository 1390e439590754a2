# SPDX-License-Identifier: Apache-2.0
"""Large machines: more CPUs, guests and functions than any board that Viaduct is made for."""
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
