# SPDX-License-Identifier: Apache-2.0
"""Linux reports the same mitigations of CPU vulnerabilities as a guest and on the bare machine."""
import re

import pytest

import viaduct_qemu as vq

SHOW = ["cmd:cd+/sys/devices/system/cpu/vulnerabilities;grep+-H+.+*", "off"]


def reported(run, guest):
    found = (re.match(r"([a-z0-9_]+):(.+?)\s*$", line) for line in run.guest(guest))
    return {m[1]: m[2] for m in found if m and m[1] != "init"}


@pytest.mark.parametrize("cpu, kernel", [("cortex-a72", "stable"), ("max", "new")])
def test_same_as_on_the_bare_machine(cpu, kernel):
    with vq.Machine(f"mitigations-{cpu}-bare", cpu=cpu, smp=1, memory="1G").start_bare(kernel, SHOW, timeout=120) as run:
        bare = reported(run.wait(), "")
    with vq.Machine(f"mitigations-{cpu}", cpu=cpu, smp=1).start([vq.linux("linux", SHOW, kernel)], timeout=120) as run:
        guest = reported(run.wait(), "linux")
    assert {"spectre_v1", "spectre_v2", "spec_store_bypass", "meltdown"} <= set(bare), bare
    assert guest == bare
