"""The history: how far it is behind the journal, and how fast a journal is told from its first record on."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from adapters.common.secret import Secret
from adapters.store.history.postgres import PostgresHistory
from adapters.store.history.sqlite import SqliteHistory
from adapters.store.journal import SqliteJournal
from adapters.store.virtual import SyncJournal
from bench.figures import ms, quantile, table
from engine.model import records as r
from engine.model.history import HistoryMark
from tests.support.long_journal import storms
from tests.support.postgres import PostgresServer
from tests.support.waits import until
from tstream.history.follow import SHARE, Follower
from tstream.history.projection import Projection
from tstream.run.side_thread import in_thread

RECORDS = 5_000
LIVE_S = 15.0
EVENTS_A_S = 40
"""Appends a second, of one to three records: a busy morning."""


def run() -> None:
    records = storms(1, RECORDS)
    server = PostgresServer(f"bench-{time.time_ns()}")
    try:
        rows = [_fold(records)]
        lags = []
        for name, url in (("SQLite", ""), ("PostgreSQL", server.database())):
            with tempfile.TemporaryDirectory() as folder:
                rows.append(_fill(name, records, Path(folder), url, 1.0))
        rows.append(_fill_beside(records, server.database()))
        for name, url in (("SQLite", ""), ("PostgreSQL", server.database())):
            with tempfile.TemporaryDirectory() as folder:
                lags.append(_live(name, records, Path(folder), url))
    finally:
        server.stop()
    table(
        f"a journal of {len(records):,} records, told from the first on",
        ("", "records/s", "rows/s", "rows"),
        rows,
    )
    table(
        f"from an append on disk to its rows committed, {EVENTS_A_S} appends a second",
        ("", "appends", "p50", "p99", "max"),
        lags,
    )


Row = tuple[str, str, str, str]


def _fold(records: Sequence[bytes]) -> Row:
    """The projection alone."""
    projection, rows, began = Projection("bench"), 0, time.perf_counter()
    for seq, raw in enumerate(records, 1):
        rows += len(projection.take(seq, r.decode(raw)))
    return _rates("rows made, nothing written", len(records), rows, time.perf_counter() - began)


def _rates(name: str, records: int, rows: int, seconds: float) -> Row:
    return (name, f"{records / seconds:,.0f}", f"{rows / seconds:,.0f}", f"{rows:,}")


def _history(url: str, folder: Path) -> SqliteHistory | PostgresHistory:
    return PostgresHistory(Secret(url)) if url else SqliteHistory(folder / "history.db")


def _fill(name: str, records: Sequence[bytes], folder: Path, url: str, share: float) -> Row:
    with SyncJournal(folder / "journal.db", install="bench") as journal:
        journal.append(list(records), 1)

    async def fill() -> tuple[float, int]:
        history = _history(url, folder)
        began = time.perf_counter()
        await Follower(folder / "journal.db", history, share=share).catch_up()
        spent = time.perf_counter() - began
        counts = await history.counts("bench")
        await history.close()
        return spent, sum(counts.values())

    spent, rows = asyncio.run(fill())
    return _rates(name, len(records), rows, spent)


def _fill_beside(records: Sequence[bytes], url: str) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        return _fill(
            f"PostgreSQL, as beside an engine: {SHARE:.0%} of the time", records, Path(folder), url, SHARE
        )


def _live(name: str, records: Sequence[bytes], folder: Path, url: str) -> tuple[str, str, str, str, str]:
    """Lags of appends while a follower in a thread of this process is at work, as in a run."""
    durable: dict[int, float] = {}
    lags: list[float] = []

    def told(mark: HistoryMark) -> None:
        now = time.perf_counter()
        for seq in [seq for seq in durable if seq <= mark.seq]:
            lags.append(now - durable.pop(seq))

    async def follow(stop: asyncio.Event) -> None:
        history = _history(url, folder)
        try:
            await Follower(folder / "journal.db", history, on_told=told).run(stop)
        finally:
            await history.close()

    async def write() -> None:
        journal = await SqliteJournal.open(folder / "journal.db", install="bench")
        following = asyncio.create_task(in_thread("history", follow))
        sent, appends = 0, 0
        try:
            while appends < LIVE_S * EVENTS_A_S and sent + 3 < len(records):
                some = list(records[sent : sent + 1 + appends % 3])
                await journal.append(some, sent + 1)
                sent, appends = sent + len(some), appends + 1
                durable[sent] = time.perf_counter()
                await asyncio.sleep(1 / EVENTS_A_S)
            await until(lambda: not durable, 20)
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            await journal.close()

    asyncio.run(write())
    p = partial(quantile, lags)
    return (name, f"{len(lags):,}", ms(p(0.5)), ms(p(0.99)), ms(max(lags)))
