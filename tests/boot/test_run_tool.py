# SPDX-License-Identifier: Apache-2.0
"""tools/run, as a user runs it: guests from a TOML file, and what it says of a file that is wrong."""
import shutil
import socket
import subprocess
import time

import pytest

import viaduct_qemu as vq

RUN = f"{vq.ROOT}/tools/run"
GUESTS = """
[pci.disk]
model = "nvme"
file = "disk.img"
[guest.one]
kernel = "Image.gz"
ramdisk = "initrd.gz"
bootargs = "console=ttyAMA0 viaduct.name=one viaduct.test=disk-present,off"
devices = ["disk"]
[guest.two]
kernel = "hello.bin"
memory = "32M"
"""


def run(folder, text, *options):
    with open(f"{folder}/guests.toml", "w", encoding="utf-8") as f:
        f.write(text)
    return subprocess.run([RUN, f"{folder}/guests.toml", "--timeout", "150", *options], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    to = str(tmp_path_factory.mktemp("run"))
    shutil.copy(f"{vq.CACHE}/kernel/Image.gz", f"{to}/Image.gz")
    shutil.copy(vq.INITRD, f"{to}/initrd.gz")
    shutil.copy(f"{vq.BUILD}/guests/hello.bin", f"{to}/hello.bin")
    vq.Disk(f"{to}/disk.img")
    return to


@pytest.mark.parametrize("gic", ["2", "3"])
def test_guests_run(folder, gic):
    done = run(folder, GUESTS, "--gic", gic)
    assert "(one) VIADUCT-RESULT disk-present" in done.stdout, done.stdout
    assert "(two) PAYLOAD hello: ok" in done.stdout
    assert "no guest is left; power off" in done.stdout


def test_plan_only(folder):
    done = run(folder, GUESTS, "--plan-only")
    assert 'guest "one" (/chosen/one) starts' in done.stdout, done.stdout
    assert "0000:01:00.0" in done.stdout
    assert "(one)" not in done.stdout


def test_gdb_is_waited_for(folder):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    with open(f"{folder}/gdb.toml", "w", encoding="utf-8") as f:
        f.write('[guest.two]\nkernel = "hello.bin"\nmemory = "32M"\n')
    with subprocess.Popen([RUN, f"{folder}/gdb.toml", "--gdb", str(port), "--timeout", "100"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as child, socket.socket() as gdb:
        deadline = time.monotonic() + 60
        while gdb.connect_ex(("127.0.0.1", port)):
            assert time.monotonic() < deadline and child.poll() is None, child.communicate()
            time.sleep(0.2)
        gdb.sendall(b"$?#3f")
        assert gdb.recv(1) == b"+" and gdb.recv(100).startswith(b"$T05")     # stopped, by SIGTRAP
        gdb.sendall(b"+$c#63")
        out, _ = child.communicate(timeout=120)
    assert "(two) PAYLOAD hello: ok" in out, out
    assert "target remote 127.0.0.1" in out


@pytest.mark.parametrize("change, sentence", [
    (("Image.gz", "Image.zst"), "there is no file"),
    (("memory", "memroy"), "memroy is not known; there are"),
    (('["disk"]', '["disc"]'), "device disc is not known; there are disk"),
    (("32M", "32"), 'is no size; give "512M"'),
    (("32M", "64G"), "do not fit into [machine] memory"),
    (("[guest.two]", "[guests.two]"), "[guests] is not known"),
    (("kernel = \"hello.bin\"\n", ""), "[guest.two]: kernel is missing"),
    (("[pci.disk]", "[pci.disk"), "guests.toml"),
    (('"nvme"', '"nvmee"'), "'nvmee' is not a valid device model name"),
    (("[guest.two]", '[guest.two]\nextra = "on-crash = ;"'), "dtc on"),
])
def test_a_file_that_is_wrong_gets_one_sentence(folder, change, sentence):
    done = run(folder, GUESTS.replace(*change))
    assert done.returncode == 1
    assert sentence in done.stdout and len(done.stdout.splitlines()) == 1, done.stdout
