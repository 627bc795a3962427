"""What holds for every test."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

# Programs that tests start are started as people start them: what was compiled once is kept.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
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

if TYPE_CHECKING:
    from tests.support.postgres import PostgresServer


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real one, for all workers of the session; without its wheel the test is skipped."""
    from tests.support.postgres import PostgresServer

    server = PostgresServer()
    yield server
    server.stop()
