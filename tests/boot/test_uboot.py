# SPDX-License-Identifier: Apache-2.0
"""Debian's U-Boot, as what starts Viaduct and as what Viaduct starts."""
import os
import re
import shutil
import struct
import subprocess
import zlib

import pytest

import viaduct_qemu as vq

PARTITION, SIZE = 64 * vq.MIB, 64 * vq.MIB      # behind what the guest's `disk` test reads and writes


def make_boot_disk(path, files, script=None):
    """A disk with random content in front and one bootable partition that holds `files`: {name: path or text}.

    U-Boot runs `script`, a text, or docs/boot.cmd.
    """
    disk, folder = vq.Disk(path, 21), f"{path}.files"
    os.makedirs(folder)
    for name, source in files.items():
        if source.startswith("/"):
            shutil.copy(source, f"{folder}/{name}")
        else:
            with open(f"{folder}/{name}", "w", encoding="ascii", newline="") as f:
                f.write(source)
    source = f"{vq.ROOT}/docs/boot.cmd"
    if script is not None:
        source = f"{path}.cmd"
        with open(source, "w", encoding="ascii") as f:
            f.write(script)
    subprocess.run(["mkimage", "-A", "arm64", "-T", "script", "-C", "none", "-d", source, f"{folder}/boot.scr"], check=True,
                   stdout=subprocess.DEVNULL)
    with open(path, "r+b") as f:
        f.truncate(PARTITION + SIZE)
        f.seek(440)             # of the MBR: signature, four partitions, 0x55aa
        f.write(struct.pack("<IH", 0x56444354, 0) +
                struct.pack("<B3xB3xII", 0x80, 0x83, PARTITION // 512, SIZE // 512) + bytes(48) + b"\x55\xaa")
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext2", "-d", folder, "-E", f"offset={PARTITION}", path,
                    f"{SIZE // 1024}k"], check=True, env=os.environ | {"PATH": os.environ["PATH"] + ":/sbin"})
    disk.sha256 = disk.sum(vq.READ_BYTES // vq.MIB)
    return disk


def juno_env(**changes):
    """What docs/ has for Juno: its addresses are RAM here as well. Behind it, what QEMU has otherwise."""
    with open(f"{vq.ROOT}/docs/juno/viaduct.env", encoding="ascii") as f:
        return f.read() + "".join(f"{name}={value}\n" for name, value in changes.items())


def dos_lines(text):
    return text.replace("\n", "\r\n")


@pytest.fixture(scope="module")
def booted(work):
    """U-Boot finds the script on the NVMe disk that it then leaves to the guest."""
    disk = make_boot_disk(f"{work}/uboot.img", {
        "viaduct": vq.VIADUCT, "Image": vq.IMAGE["stable"], "initrd.gz": vq.INITRD,
        "hello": f"{vq.BUILD}/guests/hello.bin",
        "viaduct.env": dos_lines(juno_env(
            epoch="1800000000", guests="juno bad worse after", juno_cpus="0x2", juno_memory="0x40000", juno_devices="disk",
            juno_disk="0000:00:01.0/00.0",
            juno_args="console=ttyAMA0 panic=-1 viaduct.name=juno viaduct.test=disk,off",
            bad_cpus="0x1", bad_memory="0x8000", bad_kernel="nothing", bad_kernel_at="0x96000000",
            worse_cpus="0x1", worse_memory="0x8000", worse_kernel="hello", worse_kernel_at="0x98000000",
            worse_devices="card",
            after_cpus="0x2", after_memory="0x8000", after_kernel="hello", after_kernel_at="0x94000000"))})
    machine = vq.Machine("u-boot", smp=4, devices=vq.root_port(1, 1) + vq.nvme(disk.path, "rp1"),
                         extra=["-bios", vq.UBOOT])
    with vq.Run(machine, [], timeout=120) as run:
        run.disk = disk
        return run.wait()


def said_hello(run, name):
    lines = [line.strip() for line in run.guest(name) if line.startswith("PAYLOAD hello:")]
    return bool(lines) and lines[-1] == "PAYLOAD hello: ok"


def test_boot_script_starts_linux_with_the_disk_uboot_used(booted):
    assert booted.find(r"U-Boot 20\d\d"), booted.tail()
    assert booted.result("juno", "disk-read")["sha256"] == booted.disk.sha256
    assert booted.result("juno", "disk-write").ok
    assert booted.disk.read(vq.PATTERN_OFFSET, 4096 * 64) == vq.Disk.pattern("juno")
    assert booted.ended_by_itself, booted.tail()


def test_boot_script_declares_every_guest(booted):
    assert said_hello(booted, "after"), booted.tail("after")


def test_boot_script_gives_the_time(booted):
    assert booted.find("^viaduct: juno: +RTC .*time from viaduct,epoch"), booted.tail()
    assert booted.find("setting system clock to 2027-01-15T08:0", "juno"), booted.tail("juno")


def test_boot_script_names_what_is_wrong_and_starts_the_others(booted):
    said = "\n".join(booted.lines)
    assert "boot.scr: guest bad is left out: bad_kernel=nothing cannot be loaded to bad_kernel_at=0x96000000" in said
    assert "boot.scr: guest worse is left out: worse_devices names card, and there is no worse_card" in said
    assert not booted.guest("bad") and not booted.guest("worse")


def test_boot_script_keeps_the_order_of_guests(booted):
    """Which is not that of their names."""
    cpus = {name: booted.find(rf"^viaduct: {name}: +CPUs +") for name in ("juno", "after")}
    assert re.search(r"CPUs +0 1\b", cpus["juno"]) and re.search(r"CPUs +2 3\b", cpus["after"]), cpus


def test_boot_script_by_hand_with_a_tree_from_a_file(work):
    """And what is missing is named, and nothing is started."""
    machine = vq.Machine("u-boot-file", smp=2, extra=["-bios", vq.UBOOT])
    machine.dump_tree()
    disk = make_boot_disk(f"{work}/uboot-file.img", {
        "viaduct": vq.VIADUCT, "Image": f"{vq.BUILD}/guests/hello.bin",
        "board.dtb": f"{vq.BUILD}/boot-logs/u-boot-file.qemu.dtb",
        "viaduct.env": juno_env(tree="board.dtb", juno_cpus="2", juno_memory="0x8000", juno_ramdisk="",
                                juno_devices="")})
    machine.devices = ["-drive", f"file={disk.path},if=none,format=raw,id=d0", "-device", "virtio-blk-device,drive=d0"]
    with vq.Run(machine, [], timeout=60) as run:
        assert run.pump(lambda r: "Hit any key" in r.partial, 20), run.tail()
        say(run, "", "=> ")
        say(run, "virtio scan; setenv devtype virtio; setenv devnum 0; setenv distro_bootpart 1", "=> ")
        say(run, "setenv prefix /nowhere/; load virtio 0:1 ${scriptaddr} boot.scr", "=> ")
        answer = say(run, "source ${scriptaddr}", "=> ")
        assert "boot.scr: Viaduct is not started: cannot load /nowhere/viaduct.env from virtio 0:1" in answer, run.tail()
        assert not run.viaduct()
        run.send("setenv prefix /; source ${scriptaddr}\r")
        run.wait()
    assert said_hello(run, "juno"), run.tail()
    assert run.ended_by_itself, run.tail()


def say(run, command, prompt="(boot) => "):
    """Types a command at U-Boot's prompt; returns the lines of its answer."""
    seen = len(run.lines)
    run.send(command + "\r")
    assert run.pump(lambda r: len(r.lines) > seen and r.partial == prompt, 20), run.tail()
    return [line.removeprefix("(boot) ") for line in run.lines[seen:]]


def test_uboot_as_guest_reads_and_writes_its_nvme_disk(work):
    """Another operating system than Linux: polled queues, no interrupt, BARs placed by U-Boot."""
    disk = vq.Disk(f"{work}/uboot-guest.img", 22)
    guest = vq.Guest("boot", f"{vq.BUILD}/guests/uboot.bin", memory_mib=128,
                     devices=[vq.Device("nvme", "0000:00:01.0/00.0", guest="00:03.0")])
    machine = vq.Machine("u-boot-guest", smp=1, devices=vq.root_port(1, 1) + vq.nvme(disk.path, "rp1"))
    size = 2 * vq.MIB
    with machine.start([guest], timeout=60) as run:
        assert run.pump(lambda r: "Hit any key" in r.partial, 20), run.tail()
        say(run, "")
        say(run, "pci enum")
        assert any(line.split()[:3] == ["00.03.00", "0x1b36", "0x0010"] for line in say(run, "pci")), run.tail()
        say(run, "nvme scan")
        assert any("Prod: viaduct-rp1" in line for line in say(run, "nvme info")), run.tail()
        say(run, "mw.b 42000000 0 200000")
        assert any("4096 blocks read: OK" in line for line in say(run, f"nvme read 42000000 800 {size // 512:x}"))
        crc = zlib.crc32(disk.read(0x800 * 512, size))
        assert any(line.endswith(f"==> {crc:08x}") for line in say(run, f"crc32 42000000 {size:x}")), run.tail()
        # The other way: a pattern of its own, to where it did not read.
        say(run, "mw.l 43000000 c0ffee11 4000")
        assert any("128 blocks written: OK" in line for line in say(run, "nvme write 43000000 8000 80"))
        run.send("poweroff\r")
        run.wait()
    assert disk.read(0x8000 * 512, 0x10000) == bytes.fromhex("11eeffc0") * 0x4000
    assert run.ended_by_itself, run.tail()
