# SPDX-License-Identifier: Apache-2.0
"""What a guest may not learn from, or do to, the lives of others: seeds, and the time that a restart takes."""
import re

import pytest

import viaduct_qemu as vq
from payloads import assert_ok, guest, payload_lines
from test_restart import diary

MASK = (1 << 64) - 1


def lives(name, bootargs="", **more):
    return guest(name, "lives", bootargs, extra=diary(name), **more)


def seeds(run, name, times):
    """(kaslr-seed, rng-seed) of each life, as bytes."""
    lines = payload_lines(run, name, "lives")
    found = [[bytes.fromhex(x.split("=")[1]) for x in lines if x.startswith(f"{kind}-seed=")]
             for kind in ("kaslr", "rng")]
    assert [len(x) for x in found] == [times, times], run.tail(name)
    assert {len(x) for x in found[0]} == {8} and {len(x) for x in found[1]} == {32}
    return list(zip(*found))


def unmix(z):
    """The state from which splitmix64 made z: each step of it can be taken back."""
    for shift, factor in ((31, 0x94d049bb133111eb), (27, 0xbf58476d1ce4e5b9), (30, None)):
        x = z
        for _ in range(64 // shift):
            x = z ^ x >> shift
        z = x * pow(factor, -1, 1 << 64) & MASK if factor else x
    return z


def spread(state):
    z = state
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9 & MASK
    z = (z ^ z >> 27) * 0x94d049bb133111eb & MASK
    return z ^ z >> 31


def guesses(word):
    """What a guest computes from one word: what an invertible mixer made before and behind it."""
    found, state = set(), word
    for _ in range(3):      # of the seed's seed
        state = unmix(state)
        found |= {spread(state + n * 0x9e3779b97f4a7c15 & MASK) for n in range(-16, 17) if n}
    return found


def test_the_guesses_are_right():
    """... where the mixer is splitmix64: what the next test looks for is what an attacker would find."""
    state, words = 0x0123456789abcdef, []
    for _ in range(8):
        state = state + 0x9e3779b97f4a7c15 & MASK
        words.append(spread(state))
    assert words[0] == 0x157a3807a48faa9d
    for word in words:
        assert set(words) - {word} <= guesses(word)


@pytest.mark.parametrize("cpu", ["cortex-a72", "max"])
def test_seeds_say_nothing_of_other_seeds(cpu):
    """Three guests, four lives each: all words differ, and none is computed from another one's."""
    names = ("a", "b", "c")
    machine = vq.Machine(f"seeds-{cpu}", cpu=cpu)
    with machine.start([lives(n, "lives.times=3") for n in names], timeout=90) as run:
        run.wait()
    all_words = []
    for name in names:
        assert_ok(run, name, "lives")
        for kaslr, rng in seeds(run, name, 4):
            all_words += [kaslr] + [rng[i:i + 8] for i in range(0, 32, 8)]
    assert len(set(all_words)) == len(all_words) == 3 * 4 * 5
    for order in ("big", "little"):
        words = {int.from_bytes(w, order) for w in all_words}
        for word in words:
            assert not words & guesses(word)
    assert run.ended_by_itself, run.tail()


def test_a_board_without_entropy_gives_no_seeds():
    """... rather than ones that can be computed from the counter; and says so."""
    nothing = '/ { chosen { /delete-property/ kaslr-seed; /delete-property/ rng-seed; }; };'
    machine = vq.Machine("no-seeds", cpu="cortex-a72")
    with machine.start([lives("a", "lives.times=1")], extra_dts=nothing, timeout=60) as run:
        run.wait()
    lines = assert_ok(run, "a", "lives")
    assert lines.count("kaslr-seed=none") == lines.count("rng-seed=none") == 2
    assert [x for x in run.viaduct() if "guests get no seeds" in x], run.tail()


def test_neighbours_that_restart_in_a_loop_do_not_hold_up_a_restart():
    """Counted in lives: a small guest has many, while large ones fill their memory again for one of theirs."""
    times = 24
    loopers = [vq.Guest(n, f"{vq.BUILD}/guests/lives.bin", bootargs="lives.times=100000", memory_mib=384,
                        extra=diary(n)) for n in ("large", "larger")]
    machine = vq.Machine("restart-loops", smp=3)
    with machine.start(loopers + [lives("small", f"lives.times={times}")], timeout=150) as run:
        assert run.wait_line("PAYLOAD lives: ok", "small"), run.tail()
        text = [line for line in run.lines if "life=" in line]
    first = next(i for i, line in enumerate(text) if line.startswith("(small)"))
    seen = {name: len([x for x in text[first:] if x.startswith(f"({name})")]) for name in ("large", "larger", "small")}
    assert seen["small"] == times + 1
    assert seen["small"] > 3 * max(seen["large"], seen["larger"]), seen


def test_a_guest_cannot_forge_a_line():
    """Wherever a terminal or a reader of the log may see a line begin, the guest's own prefix stands."""
    with vq.Machine("forged-lines", smp=1).start([lives("a", "lives.times=0 lives.forge=1")], timeout=60) as run:
        run.wait()
    assert "forged=13" in assert_ok(run, "a", "lives")
    with open(run.machine.log, encoding="utf-8", errors="replace", newline="") as f:
        text = f.read()
    forged = [x for x in re.split(r"[\r\n\v\f\x85\u2028]", text) if "forged " in x]
    assert len(forged) >= 13 and all(x.startswith("(a) ") for x in forged), forged
    assert not re.search(r"[\b\x9b]|\x1b(?!\[(\d+[CD]|[\d;]*m|K))", text)


@pytest.mark.parametrize("how, said", [("warm", "reports a crash"), ("vector", "its exception vector at 0x300000")])
def test_a_crash_is_answered_as_on_crash_says(how, said):
    """Restarted, each time after twice the wait; or stopped. A neighbour works on."""
    stops = lives("stops", f"lives.end={how}", properties={"on-crash": '"stop"'})
    guests = [lives("starts", f"lives.end={how} lives.times=3"), stops, guest("calm", "idle", "beats=20")]
    with vq.Machine(f"on-crash-{how}", smp=3).start(guests, timeout=90) as run:
        run.wait()
    lines = assert_ok(run, "starts", "lives")
    assert [x for x in lines if x.startswith("life=")] == [f"life={n}" for n in range(1, 5)]
    waits = [re.search(r"starts: waits (\d+) ms", x) for x in run.viaduct()]
    assert [int(m[1]) for m in waits if m] == [100, 200, 400], run.tail()
    assert len([x for x in run.viaduct() if "starts: " in x and said in x]) == 3
    assert [x for x in payload_lines(run, "stops", "lives") if x.startswith("life=")] == ["life=1"]
    assert [x for x in run.viaduct() if x == "stops: off"], run.tail()
    assert_ok(run, "calm", "idle")
    # What EL2 had for the guest it has again: nothing is lost from life to life.
    kept = [m[1] for m in (re.search(r"starts: starts again \(life \d+; (.*)\)", x) for x in run.viaduct()) if m]
    assert len(kept) == 3 and len(set(kept)) == 1, kept
    assert run.ended_by_itself, run.tail()
