"""Datasets on disk: what is kept is given back, and what is not whole is refused."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.datasets.adjust import back_adjusted, rolls_at, rolls_of
from adapters.datasets.duck import DatasetError
from adapters.datasets.library import Library
from engine.model.datasets import Dataset, DatasetRoll, Quality, Source
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, Bar, Timeframe

START = 1_709_899_200 * 10**9


def bars(count: int, first: int = 20_000) -> list[Bar]:
    return [
        Bar("ES", Timeframe.M1, START + i * MINUTE, first + i, first + i + 5, first + i - 5, first + i + 1, i)
        for i in range(count)
    ]


def card(kept: Sequence[Bar], name: str = "es-1m", rolls: tuple[DatasetRoll, ...] = ()) -> Dataset:
    return Dataset(
        name=name,
        instrument=CME_FUTURES["ES"],
        timeframe=Timeframe.M1,
        rows=len(kept),
        start_ts=kept[0].open_ts,
        end_ts=kept[-1].close_ts,
        sources=(Source("es.csv"),),
        quality=Quality(len(kept), len(kept)),
        rolls=rolls,
    )


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "datasets")


def test_bars_come_back_as_they_were_kept_all_or_a_part(library: Library) -> None:
    kept = bars(40)
    written = library.save(card(kept), kept, ["ESH4"] * 40)
    assert library.find("es-1m") == written
    assert list(library.bars("es-1m")) == kept
    assert list(library.bars("es-1m", START + 3 * MINUTE, START + 5 * MINUTE)) == kept[3:5]
    assert library.file("es-1m").stat().st_mode & 0o077 == 0


def test_a_dataset_is_replaced_listed_and_removed(library: Library) -> None:
    assert library.names() == []
    for count in (3, 5):
        library.save(card(bars(count)), bars(count), [""] * count)
    library.save(card(bars(2), "other"), bars(2), [""] * 2)
    assert library.names() == ["es-1m", "other"]
    assert len(list(library.bars("es-1m"))) == 5
    library.remove("other")
    assert [file.name for file in sorted(library.folder.iterdir())] == ["es-1m.json", "es-1m.parquet"]
    with pytest.raises(DatasetError, match="no dataset is called other; there are es-1m"):
        library.remove("other")


def test_what_is_not_whole_or_not_ours_is_refused(library: Library) -> None:
    with pytest.raises(DatasetError, match="there is none yet: tstream data import FILE makes one"):
        library.find("es-1m")
    with pytest.raises(DatasetError, match="can't be a dataset's name"):
        library.find("../journal")
    kept = bars(2)
    written = library.save(card(kept), kept, ["", ""])
    library.file("es-1m").write_bytes(b"PAR1")
    with pytest.raises(DatasetError, match=r"is not whole: 4 bytes instead of .*; import it again"):
        library.bars("es-1m")
    (library.folder / "es-1m.json").write_text("{}")
    with pytest.raises(DatasetError, match=r"its card .* is damaged"):
        library.find("es-1m")
    assert written.size > 4


def test_without_duckdb_it_is_said_what_to_install(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(DatasetError, match=r"datasets need duckdb: pip install 'tstream\[lab\]'"):
        library.save(card(bars(1)), bars(1), [""])


def test_adjusted_bars_have_no_jump_at_a_roll_and_leave_the_last_month_alone(library: Library) -> None:
    old, new = bars(10), [replace(bar, open_ts=bar.open_ts + 10 * MINUTE) for bar in bars(10, 20_300)]
    kept = [*old, *new]
    step = 20_300 - old[-1].close
    assert rolls_at(kept, [START, new[0].open_ts]) == [DatasetRoll(new[0].open_ts, step)]
    rolls = rolls_of(kept, ["ESH4"] * 10 + ["ESM4"] * 10)
    assert rolls == [DatasetRoll(new[0].open_ts, step, "ESH4", "ESM4")]
    library.save(card(kept, rolls=tuple(rolls)), kept, ["ESH4"] * 10 + ["ESM4"] * 10)
    assert library.kept("es-1m") == (kept, ["ESH4"] * 10 + ["ESM4"] * 10)
    adjusted = list(library.bars("es-1m", adjusted=True))
    assert adjusted[10:] == new
    assert adjusted[9].close == new[0].open
    assert [bar.high - bar.open for bar in adjusted] == [bar.high - bar.open for bar in kept]
    assert [bar.volume for bar in adjusted] == [bar.volume for bar in kept]
    assert list(library.bars("es-1m")) == kept


@given(
    st.lists(st.integers(-400, 400), min_size=1, max_size=5),
    st.lists(st.integers(-9, 9), min_size=1, max_size=8),
)
@settings(max_examples=30, deadline=None)
def test_only_the_gaps_of_rolls_are_taken_out(jumps: list[int], steps: list[int]) -> None:
    series: list[Bar] = []
    starts, price = [], 20_000
    for jump in (0, *jumps):
        price += jump
        starts.append(START + len(series) * MINUTE)
        for step in steps:
            ts = START + len(series) * MINUTE
            low, high = sorted((price, price + step))
            series.append(Bar("ES", Timeframe.M1, ts, price, high, low, price + step, 1))
            price += step
    adjusted = list(back_adjusted(series, rolls_at(series, starts)))
    assert all(b.open == a.close for a, b in pairwise(adjusted))
    assert [bar.close - bar.open for bar in adjusted] == [bar.close - bar.open for bar in series]
    assert adjusted[-1] == series[-1]
