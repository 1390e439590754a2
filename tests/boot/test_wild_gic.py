# SPDX-License-Identifier: Apache-2.0
"""Guests that do to their virtual GIC and ITS what no driver does, beside a neighbour that must not notice."""
import viaduct_qemu as vq
from payloads import assert_ok, guest


def test_its_commands_in_every_order_hurt_nobody(work):
    """Two CPUs, all ITS commands out of order, CPUs off and on, resets; the neighbour's timer and RAM go on."""
    lives = 3
    shared = ('diary { compatible = "xen,domain-shared-memory-v1"; xen,shm-id = "wild"; role = "owner"; '
              'xen,shared-mem = <0 0x80000000 0 0x1000>; };')
    machine = vq.Machine("itswild", smp=4, devices=["-device", "edu,addr=5,dma_mask=0xffffffffffff"])
    guests = [guest("wild", "itswild", f"itswild.lives={lives}", cpus=2, extra=shared,
                    devices=[vq.Device("edu", "0000:00:05.0", extra="allow-no-reset;")]),
              guest("victim", "victim", "beats=60")]
    with machine.start(guests, timeout=150) as run:
        run.wait()
    lines = assert_ok(run, "wild", "itswild")
    assert [x for x in lines if x.startswith("life=")] == [f"life={n}" for n in range(1, lives + 1)]
    assert lines.count("signalled=100 taken=100 ok") == lives
    assert_ok(run, "victim", "victim")
    assert run.ended_by_itself, run.tail()
