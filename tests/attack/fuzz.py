#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Guest-level fuzzing for a while: boots with one seed after the other until SECONDS are over.

Usage: tests/attack/fuzz.py SECONDS      VIADUCT_SEED=n: only this seed, once: replays a finding

Two hostile guests do random steps beside a healthy neighbour (tests/attack/fuzz.c). The first finding
ends it, with its seed; consoles are in build/boot-logs. What vCPUs do at the same time is QEMU's and the
host's to decide, so a replay may need more than one try.
"""
import os
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tools", "qemu"), os.path.join(ROOT, "tests", "boot")]

import attacker  # noqa: E402


def one(seed, work):
    """None, or what was found."""
    gic = "2" if seed % 4 == 3 else "3"
    run = attacker.attack("attack-fuzz", work, "attack.only=fuzz_", gic=gic, timeout=180, seed=seed,
                          args="fuzz.steps=40000 fuzz.life=8000",
                          accomplice=f"seed={seed}7 attack.units=0 attack.only=fuzz_ fuzz.steps=100000 fuzz.life=30000")
    try:
        attacker.judge(run, ["fuzz_everything"])
    except AssertionError as e:
        return str(e) or run.tail()
    return None


def main():
    given = os.environ.get("VIADUCT_SEED")
    end = time.monotonic() + (0 if given else int(sys.argv[1]))
    seed, done = int(given) if given else int(time.time()), 0
    with tempfile.TemporaryDirectory() as work:
        while True:
            found = one(seed, work)
            done += 1
            print(f"attack-fuzz: seed={seed} {'FOUND' if found else 'ok'}", flush=True)
            if found:
                sys.exit(f"{found}\nattack-fuzz: again: VIADUCT_SEED={seed} make attack-fuzz")
            if time.monotonic() >= end:
                break
            seed += 1
    print(f"attack-fuzz: {done} boots, nothing found")


if __name__ == "__main__":
    main()
