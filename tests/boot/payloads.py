# SPDX-License-Identifier: Apache-2.0
"""The EL1 payloads of tests/guests: one as a guest, or at EL1 of a bare machine, and what it reports."""
import viaduct_qemu as vq


def guest(name, payload, bootargs="", **more):
    """A guest that runs tests/guests/PAYLOAD.c."""
    return vq.Guest(name, f"{vq.BUILD}/guests/{payload}.bin", bootargs=bootargs, memory_mib=32, **more)


def payload_lines(run, name, payload):
    """What the payload of this guest reported, line by line, without the prefix."""
    prefix = f"PAYLOAD {payload}: "
    return [line.strip()[len(prefix):] for line in run.guest(name) if line.startswith(prefix)]


def assert_ok(run, name, payload):
    """Its last line says ok, and no line says FAIL. Returns its lines."""
    lines = payload_lines(run, name, payload)
    assert not [line for line in lines if line.endswith("FAIL")], run.tail(name)
    assert lines and lines[-1] == "ok", run.tail(name)
    return lines


def bare(name, payload, bootargs="", cpus=2, devices=(), gic="3"):
    """A payload at EL1 of a machine without a hypervisor."""
    machine = vq.Machine(name, cpu="max", smp=cpus, memory="512M", virtualization=False,
                         devices=devices, gic=gic)
    return vq.Run(machine, ["-kernel", f"{vq.BUILD}/guests/{payload}.bin", "-append", bootargs], 60)
