"""A changed fold outdates the snapshots that hold what the old one made, by construction."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from types import FunctionType
from typing import Any

import pytest

from engine.model import records as r
from engine.state import days, fold_days, order_table, snapshot
from engine.state.fold import FOLDS
from engine.state.state import BookState, Order, State


def changed(function: Callable[..., Any]) -> FunctionType:
    """The same function but for one constant."""
    assert isinstance(function, FunctionType)
    code = function.__code__.replace(co_consts=(*function.__code__.co_consts, "another"))
    return FunctionType(code, function.__globals__, function.__name__, function.__defaults__)


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (fold_days, "count_cost"),
        (order_table, "next_status"),
        (BookState, "live_orders"),
        (Order, "after"),
        (days.DayStats, "book_trade"),
    ],
    ids=lambda part: getattr(part, "__name__", part),
)
def test_any_change_of_what_folding_calls_is_another_fold(
    owner: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = snapshot.fingerprint(FOLDS)
    monkeypatch.setattr(owner, name, changed(getattr(owner, name)))
    assert snapshot.fingerprint(FOLDS) != before


def test_another_fold_of_one_record_and_another_constant_are_another_fold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = snapshot.fingerprint(FOLDS)
    assert snapshot.fingerprint(FOLDS | {r.FillApplied: changed(FOLDS[r.FillApplied])}) != before
    monkeypatch.setattr(fold_days, "MAY_BE_TOLD_NS", 1)
    assert snapshot.fingerprint(FOLDS) != before


def test_a_snapshot_of_another_fold_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = snapshot.encode(State(boot=3))
    assert snapshot.decode(kept) == State(boot=3)
    monkeypatch.setattr(snapshot, "fold", lambda: "another")
    assert snapshot.decode(kept) is None


def test_the_fingerprint_is_the_same_in_every_process() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", "from engine.state import snapshot; print(snapshot.fold())"],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert found == {f"{snapshot.fold()}\n".encode()}
