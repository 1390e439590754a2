# SPDX-License-Identifier: Apache-2.0
"""The attack suite: a hostile guest runs the named attacks of tests/attack beside a healthy neighbour.

An attack is contained when the attacker itself sees nothing that it should not, the neighbour's memory,
interrupts and DMA are as they should be, the neighbour makes progress while the attack runs, and
Viaduct goes on. `make attack LIST=1` prints the table of attacks; VIADUCT_ATTACK=a,b_ chooses.
"""
import pytest

from attacker import ONLY, attack, attacks, judge, selected


@pytest.mark.parametrize("gic", ["3", "2"])
def test_attacks_are_contained(gic, work):
    names, choice = selected(gic)
    judge(attack(f"attack-gic{gic}", work, choice, gic), names)


def pytest_generate_tests(metafunc):
    """No known break-through, no test: an empty list would be a skipped one."""
    if "broken" in metafunc.fixturenames:
        metafunc.parametrize("broken", [a.name for a in attacks.table() if a.known_to_break and a.chosen(ONLY)])


def check_that_it_still_breaks(name, work):
    """Expected to fail until its cause is mended; then its row in attacks.BREAKS goes."""
    run = attack(f"attack-{name}", work, f"attack.only={name}", timeout=90)
    try:
        judge(run, [name])
    except AssertionError:
        pytest.xfail(attacks.BREAKS[name])
    pytest.fail(f"{name} is contained now: take it out of BREAKS in tests/attack/attacks.py")


if attacks.BREAKS:
    def test_attack_that_is_known_to_break_through(broken, work):
        check_that_it_still_breaks(broken, work)


@pytest.mark.parametrize("seed", ["1", "2"])
def test_random_steps_of_two_hostile_guests(seed, work):
    """Fixed seeds; `make attack-fuzz SECONDS=n` goes on with others."""
    run = attack(f"attack-fuzz-{seed}", work, "attack.only=fuzz_", timeout=120, seed=seed,
                 args="fuzz.steps=20000 fuzz.life=5000",
                 accomplice=f"seed={seed}7 attack.units=0 attack.only=fuzz_ fuzz.steps=50000 fuzz.life=20000")
    judge(run, ["fuzz_everything"])
