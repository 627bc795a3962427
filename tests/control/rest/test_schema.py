"""The API by its own description: schemathesis tries to break it, on a small budget (more: tests/torture)."""

from __future__ import annotations

from pathlib import Path

from tests.control.rest.attack import attack


def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    found = attack(tmp_path, examples=6, seed=1)
    assert found.failures == [], "\n\n".join(found.failures)
    assert found.cases > 100
