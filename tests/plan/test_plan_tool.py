# SPDX-License-Identifier: Apache-2.0
"""viaduct-plan: whole plans as golden files, exit statuses, pictures, bad input, and every board.

VIADUCT_UPDATE=1 writes the golden files anew: look at the difference, number by number.
"""
import json
import os
import re
import struct
import subprocess
import sys
import xml.dom.minidom

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tools", "qemu"))

import viaduct_qemu as vq  # noqa: E402

CACHE = os.environ.get("VIADUCT_CACHE") or os.path.expanduser("~/.cache/viaduct")
TOOL = os.path.join(ROOT, "build", "viaduct-plan")
JUNO = os.path.join(CACHE, "dtb", "arm", "juno-r2.dtb")


def run(*args, cwd=HERE):  # the limit is for machines that do much else
    return subprocess.run([TOOL, *args], cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def golden(name, text):
    path = os.path.join(HERE, name)
    text = re.sub(r"^/\S*/", "", text)  # the tree's folder
    if os.environ.get("VIADUCT_UPDATE"):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
    with open(path, encoding="utf-8") as f:
        assert text == f.read()


def test_juno_picture(tmp_path):
    """The picture that docs/viaduct-plan.md shows: look at it when it changes."""
    path = tmp_path / "juno.svg"
    run("--svg", str(path), "-g", "juno-one.dts", "-p", "juno-r2.lspci", JUNO)
    golden("../../docs/juno-r2.svg", path.read_text(encoding="utf-8"))


def plan(*args):
    p = run("--json", *args)
    assert p.returncode in (0, 1), p.stderr
    return json.loads(p.stdout)


@pytest.fixture(scope="module")
def virt(tmp_path_factory):
    """QEMU virt's own tree: RAM at 1 GiB, GICv3, ITS, SMMUv3; and the same with Juno's windows."""
    folder = tmp_path_factory.mktemp("virt")
    plain, juno = str(folder / "virt.dtb"), str(folder / "virt-juno.dtb")
    subprocess.run([vq.QEMU, "-M", f"virt,virtualization=on,gic-version=3,iommu=smmuv3,dumpdtb={plain}",
                    "-cpu", "cortex-a72", "-smp", "4", "-m", "1G", "-nic", "none"], check=True, capture_output=True, timeout=30)
    source = subprocess.run(["fdtget", "-t", "x", JUNO, "/pcie@40000000", "ranges"], check=True,
                            capture_output=True, text=True, timeout=10).stdout.split()
    inbound = subprocess.run(["fdtget", "-t", "x", JUNO, "/pcie@40000000", "dma-ranges"], check=True,
                             capture_output=True, text=True, timeout=10).stdout.split()
    subprocess.run(["cp", plain, juno], check=True)
    for prop, cells in (("ranges", source), ("dma-ranges", inbound)):
        subprocess.run(["fdtput", "-t", "x", juno, "/pcie@10000000", prop, *cells], check=True, timeout=10)
    return plain, juno


def test_juno_one_guest():
    p = run("-g", "juno-one.dts", "-p", "juno-r2.lspci", JUNO)
    golden("juno-one.txt", p.stdout)
    assert p.returncode == 0


def test_juno_one_guest_as_json():
    p = run("--json", "-g", "juno-one.dts", "-p", "juno-r2.lspci", JUNO)
    golden("juno-one.json", p.stdout)
    # What the board's documents say, whatever the golden file does.
    board = json.loads(p.stdout)
    assert {f["intx_spi"] for f in board["functions"]} <= {136, 137, 138, 139, None}
    assert {f["intx_spi"] for f in board["functions"] if f["owner"]} == {137, 139}  # slots 1 and 31, INTA
    assert {(f["group"], *f["streams"]) for f in board["functions"]} == {(0, "0x0")}
    guest, = board["guests"]
    assert guest["ram"][0]["ipa"] == "0x80000000" and guest["dma_doorbell"] == "0x2c1c0000"


def test_juno_two_guests_share_a_stream():
    p = run("-g", "juno-two.dts", "-p", "juno-r2.lspci", JUNO)
    golden("juno-two.txt", p.stdout)
    assert p.returncode == 1
    assert re.search(r"refused: .* share StreamID 0x0", p.stdout)


def test_windows_over_ram(virt):
    """RAM really is at 1 GiB, where Juno's root complex does not let devices: direct-map is refused."""
    direct = run("-g", "virt-direct.dts", "-p", "virt.lspci", virt[1])
    golden("virt-direct.txt", direct.stdout)
    assert direct.returncode == 1
    moved = run("-g", "virt-moved.dts", "-p", "virt.lspci", virt[1])
    golden("virt-moved.txt", moved.stdout)
    assert moved.returncode == 0
    assert run("-g", "virt-direct.dts", "-p", "virt.lspci", virt[0]).returncode == 0


def test_listing_is_renumbered(virt, tmp_path):
    """Buses of the listing are Linux'; paths find the same functions under Viaduct's numbers."""
    with open(os.path.join(HERE, "virt.lspci"), encoding="utf-8") as f:
        text = f.read()
    assert [x["name"] for x in plan("-p", "virt.lspci", virt[0])["functions"]] == \
        ["0000:00:01.0", "0000:01:00.0"]
    assert "0000:05:00.0 " in text
    (tmp_path / "far.lspci").write_text(text.replace("0000:0", "0007:0"))
    far = plan("-p", str(tmp_path / "far.lspci"), virt[0])
    assert not far["functions"] and sum("left out" in x for x in far["assumed"]) == 2


def test_pictures(virt, tmp_path):
    for n, args in enumerate((["-g", "juno-one.dts", "-p", "juno-r2.lspci", JUNO],
                              ["-g", "juno-two.dts", "-p", "juno-r2.lspci", JUNO],
                              ["--trial", virt[0]], [virt[0]])):
        path = str(tmp_path / f"{n}.svg")
        run("--svg", path, *args)
        doc = xml.dom.minidom.parse(path)
        words = " ".join(t.firstChild.data for t in doc.getElementsByTagName("text") if t.firstChild)
        assert "Physical addresses" in words and "0x80000000" in words or n > 1
        # Nothing leaves the picture at the right or below.
        root = doc.documentElement
        for r in doc.getElementsByTagName("rect"):
            if not r.getAttribute("x"):
                continue
            assert float(r.getAttribute("x")) + float(r.getAttribute("width")) <= float(root.getAttribute("width"))
            assert float(r.getAttribute("y")) + float(r.getAttribute("height")) <= float(root.getAttribute("height"))


def test_registers_and_memory_can_be_given(virt):
    p = plan("--trial", "--memory", "0xc0000000:1G", virt[0])
    assert p["board"]["ram"] == [{"base": "0xc0000000", "size": "0x40000000"}]
    assert run("--memory", "0xc0000000", virt[0]).returncode == 2
    smmu = 0x09050000
    p = plan("--trial", "--reg", f"{smmu}=0x08040018", virt[0])  # IDR0 without stage 2
    assert "no stage 2" in p["guests"][0]["refused"] or "no IOMMU" in p["guests"][0]["refused"]


BAD = {
    "no argument": [],
    "unknown option": ["--frobnicate", JUNO],
    "no such file": ["/nonexistent.dtb"],
    "no device tree": [os.path.join(HERE, "juno-r2.lspci")],
    "guests that are no overlay": ["-g", JUNO, JUNO],
    "guests that dtc refuses": ["-g", "{bad.dts}", JUNO],
    "an empty listing": ["-p", "/dev/null", JUNO],
    "a listing of something else": ["-p", "juno-one.dts", JUNO],
    "memory without size": ["-m", "0x80000000", JUNO],
    "a register without value": ["-r", "0x1000", JUNO],
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name, tmp_path):
    (tmp_path / "bad.dts").write_text("/dts-v1/; nonsense")
    p = run(*[a.replace("{bad.dts}", str(tmp_path / "bad.dts")) for a in BAD[name]])
    assert p.returncode == 2
    assert p.stderr and "Sanitizer" not in p.stderr and "runtime error" not in p.stderr


def test_mangled_listings(tmp_path):
    """Every line of a good listing dropped, doubled, cut or altered: a plan, or one sentence."""
    with open(os.path.join(HERE, "virt.lspci"), encoding="utf-8") as f:
        lines = f.read().splitlines()
    path = tmp_path / "x.lspci"
    seen = set()
    for i in range(0, len(lines), 3):
        for kind, middle in (("drop", []), ("double", [lines[i]] * 2), ("cut", [lines[i][:len(lines[i]) // 2]]),
                             ("ones", [re.sub(r" [0-9a-f]{2}(?= |$)", " ff", lines[i])])):
            path.write_text("\n".join(lines[:i] + middle + lines[i + 1:]) + "\n")
            p = run("-p", str(path), JUNO)
            assert p.returncode in (0, 1, 2), (kind, i, p.stderr)
            assert "Sanitizer" not in p.stderr and "runtime error" not in p.stderr, (kind, i, p.stderr)
            seen.add(p.returncode)
    assert 2 in seen and (0 in seen or 1 in seen)


def test_damaged_trees(tmp_path):
    with open(JUNO, "rb") as f:
        good = f.read()
    path = tmp_path / "x.dtb"
    for cut in (0, 3, 40, 1000, len(good) - 1):
        path.write_bytes(good[:cut])
        assert run(str(path)).returncode == 2
    path.write_bytes(good[:4] + struct.pack(">I", 0x7fffffff) + good[8:])
    assert run(str(path)).returncode == 2


def test_every_board():
    """Each device tree of the kernel package, under the sanitizers; and docs/boards.md is current."""
    p = subprocess.run([os.path.join(ROOT, "tools", "boards.py"), "--check"], capture_output=True, text=True, check=False)
    assert p.returncode == 0, p.stdout


CPUS, BRIDGES = 64, 40


def large_board():
    """A board of 64 CPUs in clusters of 4, and 40 host bridges, each with an SMMU and an ITS of its own."""
    cpu = "".join(f'cpu@{n} {{ device_type = "cpu"; compatible = "arm,cortex-a72"; enable-method = "psci"; '
                  f"reg = <0x{n // 4 << 8 | n % 4:x}>; }};\n" for n in range(CPUS))
    bridges = ""
    for n in range(BRIDGES):
        ecam, mem, smmu, its = 0x4000000000 + (n << 28), 0x5000000000 + (n << 32), 0x6000000000 + (n << 20), \
            0x7000000000 + (n << 20)
        bridges += f"""
        smmu{n}: iommu@{smmu:x} {{ compatible = "arm,smmu-v3"; reg = <{vq.cells(smmu)} 0 0x20000>; #iommu-cells = <1>;
            dma-coherent; }};
        its{n}: its@{its:x} {{ compatible = "arm,gic-v3-its"; reg = <{vq.cells(its)} 0 0x20000>; msi-controller;
            #msi-cells = <1>; }};
        pcie@{ecam:x} {{ compatible = "pci-host-ecam-generic"; device_type = "pci"; #address-cells = <3>;
            #size-cells = <2>; reg = <{vq.cells(ecam)} 0 0x10000000>; bus-range = <0 255>; linux,pci-domain = <{n}>;
            dma-coherent; iommu-map = <0 &smmu{n} 0 0x10000>; msi-map = <0 &its{n} 0 0x10000>;
            ranges = <0x2000000 0 0x10000000 {vq.cells(mem)} 0 0x30000000>; }};"""
    return f"""/dts-v1/;
/ {{ #address-cells = <2>; #size-cells = <2>; interrupt-parent = <&gic>; chosen {{ }};
    psci {{ compatible = "arm,psci-1.0"; method = "smc"; }};
    cpus {{ #address-cells = <1>; #size-cells = <0>; {cpu} }};
    memory@80000000 {{ device_type = "memory"; reg = <0 0x80000000 0x10 0>; }};
    gic: interrupt-controller@10000000 {{ compatible = "arm,gic-v3"; interrupt-controller; #interrupt-cells = <3>;
        reg = <0 0x10000000 0 0x10000 0 0x10400000 0 0x800000>; }};
    {bridges}
}};
"""


def large_guest(name, number, cpus, rest):
    module = 0x80000000 + (number << 25)
    return f"""{name} {{ compatible = "xen,domain"; #address-cells = <2>; #size-cells = <2>; cpus = <{cpus}>;
    memory = <0 0x20000>; module@{module:x} {{ compatible = "multiboot,kernel", "multiboot,module";
        reg = <{vq.cells(module)} 0 0x2000000>; }}; {rest} }};\n"""


def test_a_board_of_64_cpus_and_40_host_bridges(tmp_path):
    """40 guests, one behind each bridge with a NIC of its own, beside one that has the other 24 CPUs."""
    with open(os.path.join(HERE, "virt.lspci"), encoding="utf-8") as f:
        one = f.read()
    listing, guests, dtb = tmp_path / "lspci", tmp_path / "guests.dts", str(tmp_path / "board.dtb")
    listing.write_text("\n".join(re.sub("^0000:", f"{n:04x}:", one, flags=re.M) for n in range(BRIDGES)))
    nic = 'vpci {{ compatible = "viaduct,vpci"; nic {{ host = "{:04x}:00:01.0/00.0"; }}; }};'
    text = "".join(large_guest(f"net{n}", n, 1, nic.format(n)) for n in range(BRIDGES))
    text += large_guest("wide", BRIDGES, CPUS - BRIDGES, "")
    guests.write_text("/dts-v1/;\n/plugin/;\n&{/chosen} { #address-cells = <2>; #size-cells = <2>;\n" + text + "};\n")
    subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", dtb], input=large_board(), text=True, check=True, timeout=30)
    board = plan("-g", str(guests), "-p", str(listing), dtb)
    assert len(board["bridges"]) == BRIDGES and len(board["board"]["cpus"]) == CPUS
    assert len(board["guests"]) == BRIDGES + 1
    assert not [g["refused"] for g in board["guests"] if g.get("refused")]
    owners = {f["owner"]: f["name"] for f in board["functions"] if f["owner"]}
    assert owners == {f"net{n}": f"{n:04x}:01:00.0" for n in range(BRIDGES)}
    cpus = [cpu for g in board["guests"] for cpu in g["cpus"]]
    assert sorted(cpus) == list(range(CPUS)), "each CPU has one guest"
    picture = tmp_path / "board.svg"
    assert run("--svg", str(picture), "-g", str(guests), "-p", str(listing), dtb).returncode == 0
    assert picture.read_text(encoding="utf-8").count(">net") >= BRIDGES
