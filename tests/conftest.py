"""What holds for every test."""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

# Programs that tests start are started as people start them: what was compiled once is kept.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False  # nor translate the tests anew in each run, and in each worker
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup it would be deaf to it, and so would they

# The same examples each time, and no clock in a verdict: a test fails for what it tests or not at all.
# `python -m tests.torture` takes seeds and looks further.
settings.register_profile(
    "suite",
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("suite")

gc.disable()  # while tests are collected: what is imported then stays

if TYPE_CHECKING:
    from tests.support.postgres import PostgresServer


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real one, for all workers of the session; without its wheel the test is skipped."""
    from tests.support.postgres import PostgresServer

    server = PostgresServer()
    yield server
    server.stop()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Where the whole suite is run by several at once, each translates its share of the tests first, and the
    others find it done: after a fresh clone that is most of what collecting them costs.
    """
    worker, count = (
        os.environ.get("PYTEST_XDIST_WORKER", ""),
        os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"),
    )
    root = session.config.rootpath
    if not worker or [root / arg for arg in session.config.args] != [root / "tests"]:
        return
    for path in sorted(Path(__file__).parent.rglob("test_*.py"))[
        int(worker.removeprefix("gw")) :: int(count)
    ]:
        with suppress(Exception, pytest.skip.Exception):  # told where it is collected
            importlib.import_module(".".join(path.relative_to(root).with_suffix("").parts))


def pytest_collection_finish() -> None:
    """What is there now stays to the end: to look through it is most of what a garbage collection costs."""
    gc.freeze()
    gc.enable()
