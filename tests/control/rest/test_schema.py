"""The API by its own description: schemathesis tries to break it, on a small budget (more: tests/torture)."""

from __future__ import annotations

from pathlib import Path

from tests.control.rest.attack import attack, obedient


def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    found = attack(tmp_path, examples=3, seed=1, stage=obedient)
    assert found.failures == [], "\n\n".join(found.failures)
    assert found.cases > 50
