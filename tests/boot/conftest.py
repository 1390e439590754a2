# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the boot tests: boots that several tests look at are made once a session.

One QEMU runs at a time, each under a deadline. Every test prints its wall time, its own fixtures
included. What cannot be run fails: nothing here skips.
"""
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../tools/qemu"))

import viaduct_qemu as vq  # noqa: E402


def pytest_configure(config):
    vq.make_initrd()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    item.seconds = getattr(item, "seconds", 0) + call.duration
    outcome.get_result().seconds = item.seconds


def pytest_report_teststatus(report, config):
    if report.when == "call" and report.outcome in ("passed", "failed"):
        word = report.outcome.upper()
        return report.outcome, "." if report.passed else "F", f"{word} ({report.seconds:.1f} s)"
    return None


@pytest.fixture(scope="session")
def server():
    s = vq.FileServer()
    yield s
    s.close()


@pytest.fixture(scope="session")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("boot")
