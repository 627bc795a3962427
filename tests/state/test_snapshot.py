"""A snapshot is the state to the letter, and goes on as the fold of the whole journal does."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from engine.model import records as r
from engine.state import snapshot
from engine.state.fold import apply
from engine.state.state import State
from tests.support.lossy_wire import LossyReplay


@cache
def journal(seed: int) -> list[r.AnyRecord]:
    """What a storm writes: lost and doubled answers, killed processes, fills, flattens."""
    storm = LossyReplay(seed)
    storm.play()
    return [r.decode(r.encode(record)) for record in storm.journal]


def fold(records: list[r.AnyRecord], state: State | None = None) -> State:
    state = state if state is not None else State()
    for record in records:
        apply(state, record)
    return state


@settings(max_examples=60)
@given(seed=st.integers(0, 3), share=st.floats(0, 1))
def test_a_snapshot_and_the_records_after_it_are_the_whole_fold(seed: int, share: float) -> None:
    records = journal(seed)
    cut = round(share * len(records))
    kept = snapshot.decode(snapshot.encode(fold(records[:cut])))
    assert kept == fold(records[:cut])
    assert fold(records[cut:], kept) == fold(records)


def test_at_every_record_of_a_run() -> None:
    records = max((journal(seed) for seed in range(6)), key=len)
    whole, running = fold(records), State()
    assert len(records) > 40
    for n, record in enumerate(records):
        apply(running, record)
        if n % 7 == 0:
            kept = snapshot.decode(snapshot.encode(running))
            assert kept is not None
            assert fold(records[n + 1 :], kept) == whole


def _parts(value: Any) -> Iterator[Any]:
    """Everything in a value that can be changed in place."""
    if isinstance(value, Struct):
        if not value.__struct_config__.frozen:
            yield value
        for name in value.__struct_fields__:
            yield from _parts(getattr(value, name))
    elif isinstance(value, dict | list | set):
        yield value
        for item in [*value.values()] if isinstance(value, dict) else value:
            yield from _parts(item)


@pytest.mark.parametrize("seed", range(4))
def test_nothing_in_the_state_is_in_two_places(seed: int) -> None:
    """A snapshot would make two of it, and only one of them would change from then on."""
    records, state = journal(seed), State()
    for n, record in enumerate(records):
        apply(state, record)
        if n % 11 == 0:
            found = [id(part) for part in _parts(state)]
            assert len(found) == len(set(found))


def test_a_snapshot_of_another_version_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    state = fold(journal(0))
    body = snapshot.encode(state)
    assert snapshot.decode(body) == state
    monkeypatch.setattr(snapshot, "fold", lambda: "another")
    assert snapshot.decode(body) is None
    monkeypatch.undo()
    monkeypatch.setattr(snapshot, "shape", lambda: "other fields")
    assert snapshot.decode(body) is None


def test_whatever_is_odd_about_a_snapshot_is_none() -> None:
    body = snapshot.encode(fold(journal(0)))
    envelope = msgspec.json.decode(body)
    for broken in (
        b"",
        b"\xff\x00",
        b"null",
        body[:-2],
        msgspec.json.encode({**envelope, "state": 7}),
        msgspec.json.encode({**envelope, "state": {**envelope["state"], "books": {"b": 1}}}),
        msgspec.json.encode({"state": envelope["state"]}),
    ):
        assert snapshot.decode(broken) is None
