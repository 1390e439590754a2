# SPDX-License-Identifier: Apache-2.0
"""A real system as a guest: Debian's installer, as Debian ships it, on a NIC that is passed through.

It configures its network by DHCP, fetches its answers from a server on the host, runs what they
say, and powers off. Nothing of it is ours but the answers.
"""
import re
import time

import pytest

import viaduct_qemu as vq

ANSWERS = """\
d-i debian-installer/locale string C
d-i preseed/early_command string wget -q -O /tmp/check {base}/check && sh /tmp/check > /dev/console 2>&1
"""

# Lines begin with an empty one: the installer draws on the same console.
CHECK = """\
echo
echo "INSTALLER address $(ip -4 -o addr show scope global | sed 's/.*inet //;s/ .*//')"
wget -q -O /tmp/file {base}/file
echo "INSTALLER file $(sha256sum /tmp/file | cut -d' ' -f1)"
echo "INSTALLER clock $(date -u +%s) $(ls /sys/class/rtc 2>/dev/null)"
poweroff
"""


@pytest.fixture(scope="module")
def server():
    s = vq.FileServer(pages={"/answers": ANSWERS, "/check": CHECK})
    yield s
    s.close()


@pytest.fixture(scope="module", params=["3", "2"], ids=["gicv3", "gicv2"])
def installer(request, server):
    image = f"{vq.CACHE}/installer/Image"
    guest = vq.Guest("debian", image, f"{vq.CACHE}/installer/initrd.gz",
                     f"console=ttyAMA0 auto=true priority=critical quiet TERM=dumb DEBIAN_FRONTEND=text netcfg/get_hostname=viaduct "
                     f"url={server.base}/answers", cpus=1, memory_mib=768,
                     devices=[vq.Device("nic", "0000:00:01.0/00.0")])
    machine = vq.Machine(f"installer-gicv{request.param}", gic=request.param, smp=2,
                         devices=vq.root_port(1, 1) + vq.nic("e1000e", "rp1"))
    with machine.start([guest], timeout=900) as run:
        return run.wait()


def said(run, what):
    line = run.find(rf"INSTALLER {what} ", "debian")
    assert line, run.tail("debian")
    return re.search(rf"INSTALLER {what} (.*)", line)[1].split()


def test_dhcp_wget_and_poweroff(installer, server):
    assert said(installer, "address")[0].startswith("10.0.2."), installer.tail()
    assert said(installer, "file") == [server.sha256]
    assert installer.ended_by_itself, installer.tail()


def test_the_clock_is_right_where_there_is_one(installer):
    seconds, *rtc = said(installer, "clock")
    assert not rtc or abs(int(seconds) - time.time()) < 86400, installer.tail()
