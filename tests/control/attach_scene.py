"""Engines to attach to, and clients attached to them over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from adapters.control.dial import UnixDial
from adapters.control.remote import RemoteHandle
from adapters.control.server import ControlServer
from engine.model.chart import ChartView
from engine.model.commands import AnyCommand
from engine.model.equity import EquityDay, EquityHistory
from engine.model.market import Timeframe
from engine.model.notices import LogLine, Notice
from engine.model.view import View
from tests.control.fake import FakeHandle, a_view, serving
from tests.support.patience import patient

M5 = Timeframe.M5


class Still(FakeHandle):
    """An engine whose picture changes only when something happens."""

    def view(self) -> View:
        return self._view


class Growing(Still):
    """Its charts grow."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.shown: ChartView | None = None
        self.days = EquityHistory(
            "book", (EquityDay("2026-10-14", 1, Decimal(5), Decimal(9), Decimal(-2), Decimal(7)),)
        )

    def chart(self, instrument: str, timeframe: Timeframe) -> ChartView | None:
        return self.shown

    def equity(self, book: str) -> EquityHistory | None:
        return self.days if book == "book" else None


class Tail(list[LogLine]):
    """The log's newest lines."""

    def lines(self, after_seq: int) -> list[LogLine]:
        return [line for line in self if line.seq > after_seq]


class Restless(Still):
    """Shows another picture at each look."""

    def view(self) -> View:
        self.show(uptime_ns=self._view.uptime_ns + 1, strategy=f"{self._view.uptime_ns}")
        return self._view


class Slow(Still):
    """Answers when it is told to."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.open: list[tuple[AnyCommand, Future[Notice]]] = []

    def ask(self, command: AnyCommand) -> Future[Notice]:
        self.sent.append(command)
        answer: Future[Notice] = Future()
        self.open.append((command, answer))
        return answer


@asynccontextmanager
async def attached(path: Path, **more: Any) -> AsyncIterator[RemoteHandle]:
    remote = RemoteHandle(UnixDial(path), a_view(), **{"name": "anna@laptop", "fps": 20, **more})
    try:
        await asyncio.to_thread(remote.start, patient(10))
        yield remote
    finally:
        await asyncio.to_thread(remote.close)


@asynccontextmanager
async def attached_to_first(
    handle: FakeHandle, path: Path
) -> AsyncIterator[tuple[ControlServer, RemoteHandle]]:
    async with serving(handle, path) as server, attached(path) as remote:
        yield server, remote


async def answer(asked: Future[Notice]) -> Notice:
    return await asyncio.wait_for(asyncio.wrap_future(asked), patient(10))


def same(shown: View, view: View) -> bool:
    """But for the numbers that a client counts by itself."""
    return replace(shown, version=0) == replace(view, version=0)
