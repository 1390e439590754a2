# SPDX-License-Identifier: Apache-2.0
"""What the documents have to copy runs as it is written there."""
import glob
import os
import re
import shlex
import shutil
import subprocess
import time

import viaduct_qemu as vq
from examples import example, examples
from payloads import assert_ok, payload_lines
from test_dom0less import partial
from test_uboot import make_boot_disk, said_hello


def test_every_example_has_a_test():
    text = ""
    for path in glob.glob(f"{os.path.dirname(__file__)}/test_*.py"):
        with open(path, encoding="utf-8") as f:
            text += f.read()
    assert not [name for name in examples() if f'example("{name}")' not in text]


def test_the_boards_clock():
    """Linux takes its time from the board's RTC."""
    guest = vq.linux("linux", ["cmd:cat+/sys/class/rtc/rtc0/name+/sys/class/rtc/rtc0/since_epoch;touch+/tmp/x;stat+-c+%Y+/tmp/x", "off"],
                     partial=partial("example-rtc-partial", example("rtc")))
    with vq.Machine("example-rtc", smp=1).start([guest], timeout=90) as run:
        run.wait()
    assert run.find("^rtc-pl031", "linux"), run.tail()
    times = [int(line) for line in run.guest("linux") if re.fullmatch(r"\d{10}", line.strip())]
    assert len(times) == 2 and all(abs(t - time.time()) < 3600 for t in times), (times, run.tail())


def test_shared_memory():
    """The overlay through fdtoverlay; in place of a kernel, payloads that answer each other in the memory."""
    machine = vq.Machine("example-shared", smp=2, memory="1G")
    machine.dump_tree()
    base = f"{vq.BUILD}/boot-logs/example-shared"
    text = example("shared")
    assert text.count('bootargs = "console=ttyAMA0"') == 2
    for side in "01":
        text = text.replace('bootargs = "console=ttyAMA0"', f'bootargs = "side={side}"', 1)
    with open(f"{base}.overlay.dts", "w", encoding="ascii") as f:
        f.write(text)
    for command in (["dtc", "-q", "-@", "-O", "dtb", "-o", f"{base}.dtbo", f"{base}.overlay.dts"],
                    ["fdtoverlay", "-i", f"{base}.qemu.dtb", "-o", f"{base}.dtb", f"{base}.dtbo"]):
        subprocess.run(command, check=True)
    args = ["-kernel", vq.VIADUCT, "-dtb", f"{base}.dtb", "-device",
            f"loader,file={vq.BUILD}/guests/domain.bin,addr=0x60000000,force-raw=on"]
    with vq.Run(machine, args, timeout=60) as run:
        run.wait()
    for name, at in (("producer", "80000000"), ("consumer", "90000000")):
        assert f"shared ring at={at} words=1000 ok" in assert_ok(run, name, "domain")
    assert run.find(r"^viaduct: producer: +CPUs +0;"), run.tail()
    assert run.ended_by_itself, run.tail()


# --- ImageBuilder -----------------------------------------------------------------------------------

def imagebuilder_config():
    """The configuration as a shell reads it: {"NAME" or ("NAME", index): value}."""
    config = {}
    for line in example("imagebuilder").splitlines():
        m = re.fullmatch(r"(\w+)(?:\[(\d+)\])?=(.*)", line)
        if m:
            config[(m[1], int(m[2])) if m[2] else m[1]] = shlex.split(m[3])[0]
    return config


def imagebuilder_script(config, sizes, extra):
    """What Xen's ImageBuilder makes of it: every file loaded, the guests one after the other, the extra commands."""
    at, script, loaded = 0x60000000, [], {}

    def load(file):
        nonlocal at
        if file not in loaded:
            loaded[file] = at
            script.append(f"{config['LOAD_CMD']} 0x{at:x} {file}")
            at = (at + sizes[file] + 2 * vq.MIB - 1) & ~(2 * vq.MIB - 1)
        return loaded[file]

    xen, tree = load(config["XEN"]), load(config["DEVICE_TREE"])
    script += [f"fdt addr 0x{tree:x}", "fdt resize 4096", 'fdt set /chosen "#address-cells" <0x2>',
               'fdt set /chosen "#size-cells" <0x2>']
    for i in range(int(config["NUM_DOMUS"])):
        node = f"/chosen/domU{i}"
        script += [f"fdt mknod /chosen domU{i}", f'fdt set {node} compatible "xen,domain"',
                   f'fdt set {node} "#address-cells" <0x2>', f'fdt set {node} "#size-cells" <0x2>',
                   f"fdt set {node} memory <0x0 0x{int(config['DOMU_MEM', i]) * 1024:x}>",
                   f"fdt set {node} cpus <{config['DOMU_VCPUS', i]}>", f"fdt set {node} vpl011 <0x1>"]
        for variable, kind in (("KERNEL", "kernel"), ("RAMDISK", "ramdisk"), ("PASSTHROUGH_DTB", "device-tree")):
            file = config.get((f"DOMU_{variable}", i))
            if file:
                address = load(file)
                module = f"{node}/module0x{address:x}"
                script += [f"fdt mknod {node} module0x{address:x}",
                           f'fdt set {module} compatible "multiboot,{kind}" "multiboot,module"',
                           f"fdt set {module} reg <0x0 0x{address:x} 0x0 0x{sizes[file]:x}>"]
                if kind == "kernel":
                    script.append(f'fdt set {module} bootargs "{config["DOMU_CMD", i]}"')
    return "\n".join(script + [extra, f"booti 0x{xen:x} - 0x{tree:x}", ""])


def test_imagebuilder(work):
    """Its script run by Debian's U-Boot: guests in the order of their numbers, each with its device."""
    disk = vq.Disk(f"{work}/example-disk.img")
    machine = vq.Machine("example-imagebuilder", extra=["-bios", vq.UBOOT], devices=vq.root_port(1, 1) + vq.nvme(disk.path, "rp1") +
                         vq.root_port(2, 2) + vq.nic("e1000e", "rp2"))
    tree = f"{vq.BUILD}/boot-logs/example-imagebuilder.qemu.dtb"
    boot = f"{work}/example-boot.img"
    machine.devices += ["-drive", f"file={boot},if=none,format=raw,id=boot", "-device", "virtio-blk-device,drive=boot"]
    with open(boot, "wb") as f:
        f.truncate(vq.MIB)
    machine.dump_tree()
    files = {"viaduct": vq.VIADUCT, "board.dtb": tree, "Image": vq.IMAGE["stable"], "initrd.gz": vq.INITRD,
             "rtos": f"{vq.BUILD}/guests/pciview.bin", "nic.dtb": partial("example-nic", example("imagebuilder-nic"))}
    config = imagebuilder_config()
    assert config["APPEND_EXTRA_CMDS"] == "disk.cmd"
    config["DOMU_CMD", 0] += " panic=-1 viaduct.name=domU0 viaduct.test=disk,off"
    sizes = {name: os.path.getsize(path) for name, path in files.items()}
    make_boot_disk(boot, files, imagebuilder_script(config, sizes, example("imagebuilder-disk")))
    with vq.Run(machine, [], timeout=200) as run:
        run.wait()
    assert run.result("domU0", "disk-read")["sha256"] == disk.sha256
    assert any("id=8086:10d3" in line for line in payload_lines(run, "domU1", "pciview")), run.tail()
    assert run.find(r"^viaduct: domU0: +CPUs +0 1;") and run.find(r"^viaduct: domU1: +CPUs +2;"), run.tail()
    assert run.ended_by_itself, run.tail()


def test_imagebuilder_in_another_order(work):
    """With the line that turns the order round."""
    machine = vq.Machine("example-order", smp=3, memory="1G", extra=["-bios", vq.UBOOT])
    boot = f"{work}/example-order.img"
    machine.devices = ["-drive", f"file={boot},if=none,format=raw,id=boot", "-device", "virtio-blk-device,drive=boot"]
    with open(boot, "wb") as f:
        f.truncate(vq.MIB)
    machine.dump_tree()
    hello = f"{vq.BUILD}/guests/hello.bin"
    files = {"viaduct": vq.VIADUCT, "board.dtb": f"{vq.BUILD}/boot-logs/example-order.qemu.dtb", "Image": hello, "rtos": hello}
    config = imagebuilder_config()
    for key in (("DOMU_RAMDISK", 0), ("DOMU_PASSTHROUGH_DTB", 1)):
        del config[key]
    config["DOMU_MEM", 0] = "64"
    sizes = {name: os.path.getsize(path) for name, path in files.items()}
    make_boot_disk(boot, files, imagebuilder_script(config, sizes, example("imagebuilder-order")))
    with vq.Run(machine, [], timeout=100) as run:
        run.wait()
    assert said_hello(run, "domU0") and said_hello(run, "domU1"), run.tail()
    assert run.find(r"^viaduct: domU1: +CPUs +0;") and run.find(r"^viaduct: domU0: +CPUs +1 2;"), run.tail()


# --- tools/run --------------------------------------------------------------------------------------

def test_the_file_of_tools_run(work):
    """With a disk image, and a kernel whose command line ends the guests by themselves."""
    folder = f"{work}/example-run"
    os.makedirs(folder)
    shutil.copy(f"{vq.CACHE}/kernel-stable/Image.gz", f"{folder}/vmlinuz")
    shutil.copy(vq.INITRD, f"{folder}/initrd.img")
    disk = vq.Disk(f"{folder}/disk.img")
    text = example("run")
    for name, test in (("storage", "disk"), ("network", "lspci")):
        text = re.sub(rf'(\[guest.{name}\].*?bootargs = "[^"]*)', rf"\1 viaduct.name={name} viaduct.test={test},off", text,
                      count=1, flags=re.DOTALL)
    with open(f"{folder}/guests.toml", "w", encoding="utf-8") as f:
        f.write(text)
    done = subprocess.run([f"{vq.ROOT}/tools/run", f"{folder}/guests.toml", "--timeout", "150"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
    assert f"sha256={disk.sha256}" in done.stdout, done.stdout
    assert "vendor=0x8086 device=0x10d3" in done.stdout
    assert "network:   CPUs" in done.stdout and "stops on a crash" in done.stdout
    assert "no guest is left; power off" in done.stdout


def test_the_file_of_the_readme(work):
    """What the first page shows, up to the plan."""
    folder = f"{work}/example-readme"
    os.makedirs(folder)
    shutil.copy(f"{vq.CACHE}/kernel-stable/Image.gz", f"{folder}/vmlinuz")
    shutil.copy(vq.INITRD, f"{folder}/initrd.img")
    vq.Disk(f"{folder}/disk.img")
    with open(f"{folder}/guests.toml", "w", encoding="utf-8") as f:
        f.write(example("readme"))
    done = subprocess.run([f"{vq.ROOT}/tools/run", f"{folder}/guests.toml", "--plan-only"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
    assert 'guest "linux" (/chosen/linux) starts' in done.stdout, done.stdout
    assert "linux:   device  0000:01:00.0" in done.stdout
