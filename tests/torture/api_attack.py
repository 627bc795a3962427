"""schemathesis at the REST API of an engine on a practice venue."""

from __future__ import annotations

import time
from pathlib import Path

from bench.figures import table
from tests.control.rest.attack import attack

REQUESTS = 100
"""Good ones and as many bad ones of each route."""


def attack_the_api(folder: Path, seed: int, count: int | None) -> None:
    """Raises AssertionError with what was found."""
    began = time.monotonic()
    found = attack(folder, examples=count or REQUESTS, seed=seed)
    assert not found.failures, "\n\n".join(found.failures)
    table(
        f"api: seed {seed}, schemathesis at the REST API of an engine on a practice venue,"
        f" {time.monotonic() - began:.0f} s, nothing found",
        ("", "count"),
        [("requests", f"{found.cases:,}"), *((what, f"{n:,}") for what, n in found.seen.items())],
    )
