"""The page of promises names tests that exist, and every fault that is survived."""

from __future__ import annotations

import re

from tests.docs.pages import DOCS, ROOT, text

PAGE = text(DOCS / "reliability.md")
LATER = {30, 31, 35}
"""Faults of alert rooms and channels: docs/alerts.md and docs/notifications.md."""


def test_every_proof_that_is_named_is_a_test() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    there = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", text(file), re.MULTILINE)
    }
    assert named - there == set()


def test_every_fault_has_its_promise() -> None:
    told = {int(number) for number in re.findall(r"\bF(\d+)\b", PAGE)}
    assert told >= set(range(1, 38)) - LATER
