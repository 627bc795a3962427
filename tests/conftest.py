"""What holds for every test."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Programs that tests start are started as people start them: what was compiled once is kept.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# The same examples each time, and no clock in a verdict: a test fails for what it tests or not at all.
# `python -m tests.torture` takes seeds and looks further.
settings.register_profile(
    "suite",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("suite")
