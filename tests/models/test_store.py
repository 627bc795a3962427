"""The store of models: what counts, what counted before; what is broken takes nothing else along."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.models import store as stores
from adapters.models.store import CHANGES, ModelStore
from engine.model.errors import FatalError
from engine.model.opinion import ModelCard

TEXT = "tree\nversion=v4\nnum_class=1\nmax_feature_idx=2\nobjective=binary sigmoid:1\n\nend of trees\n"


def card(name: str, created: int = 1) -> ModelCard:
    return ModelCard(name, 1, "abc", created_ts=created)


def store_of(folder: Path, *names: str) -> ModelStore:
    made = ModelStore(folder, "abc", 3)
    for number, name in enumerate(names):
        made.save(card(name, number + 1), TEXT)
    return made


def test_a_roll_back_goes_through_the_champions_one_by_one(tmp_path: Path) -> None:
    store = store_of(tmp_path / "models", "a", "b", "c")
    assert store.champion() == ""
    for ts, name in enumerate("abc"):
        store.promote(name, "better", ts)
    store.promote("c", "again", 9)
    assert [one.name for one in store.changes()] == ["a", "b", "c"], "what counts already is no change"
    assert store.roll_back(10) == "b"
    assert (store.champion(), store.changes()[-1].reason) == ("b", "c was taken back")
    store.promote("c", "better after all", 11)
    assert [store.roll_back(12), store.roll_back(13), store.roll_back(14)] == ["b", "a", ""]
    assert store.champion() == ""
    with pytest.raises(FatalError, match="nothing to take back"):
        store.roll_back(15)
    assert [one.name for one in store.listed()] == ["c", "b", "a"], "the newest first"
    assert not list(tmp_path.rglob("*.pkl"))


def test_what_is_broken_or_foreign_is_told_and_takes_nothing_along(tmp_path: Path) -> None:
    store = store_of(tmp_path, "a", "b", "c", "foreign")
    for ts, name in enumerate("abc"):
        store.promote(name, "better", ts)
    (tmp_path / "b.json").write_text("{", encoding="utf-8")
    (tmp_path / "foreign.txt").write_bytes(b"\x80\x04pickle")
    listed = {one.name: one for one in store.listed()}
    assert "is no card of a model" in listed["b"].problem
    assert "is not LightGBM's text format" in listed["foreign"].problem
    assert (listed["c"].is_champion, listed["c"].problem, listed["a"].problem) == (True, "", "")
    for wrong in ("b", "foreign", "nothing", "../a"):
        with pytest.raises(FatalError):
            store.promote(wrong, "", 5)
    assert store.champion() == "c"
    assert store.roll_back(6) == "a", "the broken one is passed over"
    assert "is no card of a model" in store.changes()[-1].reason

    (tmp_path / CHANGES).write_text("[{]", encoding="utf-8")
    with pytest.raises(FatalError, match="is damaged"):
        store.promote("c", "", 7)
    assert store.champion() == "a"
    (tmp_path / CHANGES).unlink()
    assert store.roll_back(8) == "", "a champion that nobody noted is followed by rules alone"
    other = ModelStore(tmp_path, "other features", 3)
    assert all("train it again" in one.problem for one in other.listed() if one.name in "ac")


def test_a_change_that_was_noted_and_never_made_is_no_champion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_of(tmp_path, "a", "b", "c")
    store.promote("a", "", 1)
    store.promote("b", "", 2)

    def full(folder: Path, name: str | None) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(stores, "set_champion", full)
        with pytest.raises(FatalError, match="No space left"):
            store.promote("c", "", 3)
    assert store.champion() == "b"
    assert store.roll_back(4) == "a"


def test_the_oldest_go_but_none_that_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "MOST_MODELS", 2)
    store = store_of(tmp_path, "a")
    store.promote("a", "", 1)
    (tmp_path / "b.html").write_text("report", encoding="utf-8")
    for number, name in enumerate(("b", "c", "d", "e")):
        store.save(card(name, number + 2), TEXT)
    assert store.names() == ["a", "d", "e"]
    assert not (tmp_path / "b.html").exists()
