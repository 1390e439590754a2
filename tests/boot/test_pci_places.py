# SPDX-License-Identifier: Apache-2.0
"""Which function is meant, where the guest sees it, and who may have it; with small payloads."""
import os
import re

import pytest

import viaduct_qemu as vq
from payloads import assert_ok, guest, payload_lines

ALLOWED = "allow-no-reset;"


def functions(run, name):
    """{guest-side address: (vendor:device, header type, the six BAR sizes)} as the payload saw them."""
    found = (re.match(r"function=(\S+) id=(\S+) header=(\w+) pin=\d bars=(\S+)", x)
             for x in payload_lines(run, name, "pciview"))
    return {m[1]: (m[2], int(m[3], 16), [int(b, 16) for b in m[4].split(",")]) for m in found if m}


# --- how `host` names a function ------------------------------------------------------------------

NAMED = vq.root_port(1, 1) + ["-device", "edu,bus=rp1"] + vq.testdev("5.0") + vq.testdev("5.1") + vq.testdev("6.0")
NAMED = [a.replace("addr=5.0", "addr=5.0,multifunction=on") for a in NAMED]


def test_every_form_of_a_name():
    """The same function by address, short address and path; another by its IDs."""
    for n, host in enumerate(("0000:01:00.0", "01:00.0", "0000:00:01.0/00.0", "00:01.0/00.0", "pci:1234:11e8")):
        devices = [vq.Device("edu", host, extra=ALLOWED)]
        with vq.Machine(f"named-{n}", devices=NAMED).start([guest("g", "pciview", devices=devices)], timeout=30) as run:
            run.wait()
        assert_ok(run, "g", "pciview")
        assert [f[0] for f in functions(run, "g").values()] == ["1234:11e8"], host


@pytest.mark.parametrize("host, candidates", [
    ("pci:1b36:0005", ["0000:00:05.0", "0000:00:05.1", "0000:00:06.0"]),
    ("0000:00:01.0/03.0", ["0000:01:00.0"]),
    ("0000:00:05.7", ["0000:00:05.0", "0000:00:05.1"]),
    ("pci:1234:4321", []),
])
def test_ambiguous_or_absent_names_list_candidates(host, candidates):
    guests = [guest("culprit", "pciview", devices=[vq.Device("dev", host, extra=ALLOWED)]), guest("good", "hello")]
    with vq.Machine("candidates", devices=NAMED).start(guests, timeout=30) as run:
        run.wait()
    assert_ok(run, "good", "hello")
    assert not run.guest("culprit")
    line = run.find(r"^viaduct: .*\"culprit\".* refused: ")
    assert line and host in line, run.tail()
    # Over more than one line if there are many: all that name the guest count.
    text = "\n".join(x for x in run.viaduct() if "culprit" in x)
    assert [c for c in candidates if c not in text] == [], text


def test_a_device_without_reset_needs_permission():
    """The edu of the root bus cannot be reset; the one alone behind a port can, with its bus."""
    devices = NAMED + ["-device", "edu,addr=8.0"]
    guests = [guest("culprit", "hello", devices=[vq.Device("dev", "0000:00:08.0")]),
              guest("good", "pciview", devices=[vq.Device("dev", "0000:01:00.0")])]
    with vq.Machine("no-reset", devices=devices).start(guests, timeout=30) as run:
        run.wait()
    assert_ok(run, "good", "pciview")
    assert run.find(r"^viaduct: .*\"culprit\".* refused: .*00:08\.0.*allow-no-reset"), "\n".join(run.viaduct())
    assert not run.guest("culprit")


# --- requester IDs that are shared ----------------------------------------------------------------

BRIDGED = vq.root_port(1, 1) + vq.bridge("pcie-pci-bridge", "pb1", "rp1") + \
    ["-device", "edu,bus=pb1,addr=2.0,dma_mask=0xffffffffffff", "-device", "edu,bus=pb1,addr=3.0"] + \
    vq.bridge("pci-bridge", "pb2", "pb1", ",addr=4.0,chassis_nr=9,shpc=off") + \
    ["-device", "edu,bus=pb2,addr=5.0,dma_mask=0xffffffffffff"]
BEHIND = "0000:00:01.0/00.0"


@pytest.mark.parametrize("place", ["02.0", "04.0/05.0"])
def test_dma_and_interrupts_behind_conventional_bridges(place):
    """Its requests carry the bridge's ID: translation and MSI go by that."""
    name = "bridged-" + place.replace("/", "-")
    devices = [vq.Device("edu", f"{BEHIND}/{place}", extra=ALLOWED)]
    guests = [guest("g", "edu", "edu.irqs=20", devices=devices)]
    with vq.Machine(name, devices=BRIDGED).start(guests, timeout=60) as run:
        run.wait()
    lines = assert_ok(run, "g", "edu")
    assert len([x for x in lines if x.startswith("dma ") and x.endswith("wrong=0 ok")]) == 1
    for kind in ("intx", "msi", "intx-behind-msi"):
        assert [x for x in lines if re.match(rf"{kind} intid=\d+ raised=20 irqs=20 without-status=0 ok", x)], lines


def test_one_alias_two_guests_is_refused():
    guests = [guest("first", "edu", "edu.irqs=5", devices=[vq.Device("edu", f"{BEHIND}/02.0", extra=ALLOWED)]),
              guest("second", "hello", devices=[vq.Device("edu", f"{BEHIND}/03.0", extra=ALLOWED)])]
    with vq.Machine("alias-split", devices=BRIDGED).start(guests, timeout=60) as run:
        run.wait()
    assert_ok(run, "first", "edu")
    assert not run.guest("second")
    line = run.find(r"^viaduct: .*\"second\".* refused: .*StreamID 0x200\b.*\"first\"")
    assert line and "02:03.0" in line and "02:02.0" in line, "\n".join(run.viaduct())
    assert run.ended_by_itself, run.tail()


# --- multi-function devices -----------------------------------------------------------------------

PAIR = vq.root_port(1, 1) + ["-device", "edu,bus=rp1,addr=0.0,multifunction=on",
                             "-device", "pci-testdev,bus=rp1,addr=0.3,membar=64K"]
SLOT = "0000:00:01.0"


def view(name, devices, args="", machine_devices=PAIR, **more):
    with vq.Machine(name, devices=machine_devices).start(
            [guest("g", "pciview", args, devices=devices, **more)], timeout=60) as run:
        run.wait()
    lines = assert_ok(run, "g", "pciview")
    assert [x for x in lines if re.match(r"registers functions=\d+ wrong=0 ok", x)]
    assert run.ended_by_itself, run.tail()
    return functions(run, "g")


def test_multi_function_layout_is_kept():
    seen = view("pair", [vq.Device("b", f"{SLOT}/00.3", extra=ALLOWED), vq.Device("a", f"{SLOT}/00.0", extra=ALLOWED)])
    assert {k: v[0] for k, v in seen.items()} == {"01.0": "1234:11e8", "01.3": "1b36:0005"}
    assert seen["01.0"][1] & 0x80, "function 0 must say that there are more"
    assert seen["01.3"][2][2] == 0x10000


def test_a_lone_function_becomes_function_0():
    seen = view("lone", [vq.Device("b", f"{SLOT}/00.3", extra=ALLOWED)])
    assert {k: v[:2] for k, v in seen.items()} == {"01.0": ("1b36:0005", 0)}


def test_group_of_a_multi_function_device_is_not_split():
    """Functions of a slot that do not isolate themselves from each other go to one guest."""
    guests = [guest("first", "hello", devices=[vq.Device("a", f"{SLOT}/00.0", extra=ALLOWED)]),
              guest("second", "hello", devices=[vq.Device("b", f"{SLOT}/00.3", extra=ALLOWED)])]
    with vq.Machine("pair-split", devices=PAIR).start(guests, timeout=60) as run:
        run.wait()
    assert_ok(run, "first", "hello")
    assert not run.guest("second") and run.find(r"\"second\".* refused: .*01:00\.[03].*01:00\.[03]"), run.tail()


# --- large, and many ------------------------------------------------------------------------------

def test_gigabyte_bar(work):
    """64-bit prefetchable: the guest fills it, moves it and reads it; the device's memory is a file.
    The second one, pci-testdev's, has nothing behind it: it has a place, and its registers work."""
    memory = f"{work}/gigabyte"
    seen = view("big-bar", [vq.Device("big", "0000:00:02.0", extra=ALLOWED),
                            vq.Device("test", "0000:00:03.0", extra=ALLOWED)],
                machine_devices=vq.memory("2.0", memory, "1G") + ["-device", "pci-testdev,addr=3.0,membar=1G"])
    assert seen["01.0"][2][2] == seen["02.0"][2][2] == 1 << 30
    with open(memory, "rb") as f:
        for off in (0, 0x100000, 0x200000 - 8, 0x3ff00000, 0x40000000 - 8):
            f.seek(off)
            assert int.from_bytes(f.read(8), "little") == (off + 1) * 0x9e3779b97f4a7c15 & (1 << 64) - 1
    os.unlink(memory)


def test_small_bars_share_a_page(work):
    """20 BARs of 256 bytes, which the payload packs: each access reaches its own device."""
    places = [f"{slot:x}.{fn}" for slot in (1, 2, 3, 4) for fn in range(5)]
    devices = [a for at in places for a in vq.memory(at, f"{work}/small-{at}", "4K",
                                                      ",multifunction=on" if at.endswith(".0") else "")]
    assigned = [vq.Device("d" + at.replace(".", "-"), f"0000:00:0{at}", extra=ALLOWED) for at in places]
    seen = view("small", assigned, machine_devices=devices)
    assert len(seen) == 20 and all(bars[0] == 256 for _, _, bars in seen.values())


def test_200_functions():
    """25 slots of 8 functions; each counts for itself."""
    places = [(slot, fn) for slot in range(1, 26) for fn in range(8)]
    devices = [a for slot, fn in places
               for a in vq.testdev(f"{slot:x}.{fn}", ",multifunction=on" if fn == 0 else "")]
    # One of another kind in the middle: the addresses are the right way round.
    odd = places.index((13, 5))
    devices[2 * odd + 1] = "edu,addr=d.5"
    assigned = [vq.Device(f"d{slot:02x}{fn}", f"0000:00:{slot:02x}.{fn}", extra=ALLOWED) for slot, fn in places]
    seen = view("many", assigned, machine_devices=devices)
    assert sorted(seen) == [f"{slot:02x}.{fn}" for slot, fn in places]
    assert [k for k, v in seen.items() if v[0] != "1b36:0005"] == ["0d.5"]
    assert seen["0d.5"][0] == "1234:11e8" and seen["0d.5"][2][0] == 1 << 20
    assert all(v[1] & 0x80 for k, v in seen.items() if k.endswith(".0"))
