"""Ports that do what a test says, for the runtime on a real loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from engine.core import Core
from engine.model import effects as fx
from engine.model import events as ev
from engine.model.commands import Shutdown
from engine.model.config import BookConfig, EngineConfig, TradingSwitch
from engine.model.errors import RetryableError
from engine.model.instrument import CME_FUTURES
from engine.model.market import Bar, Timeframe
from engine.model.orders import Account, AccountKind, Capabilities, VenuePosition
from engine.ports import Sink
from engine.runtime.engine import Engine
from engine.state.state import State
from engine.strategies.protocol import Strategy
from tests.market.feed import T0
from tests.strategies.scripted import ScriptedStrategy
from tests.support.patience import patient

BOOK = "fake"
MNQ = CME_FUTURES["MNQ"]
ACCOUNT = Account("1", "PRACTICE", AccountKind.PRACTICE, Decimal(50_000), can_trade=True)


SPEED = 200.0


class Clock:
    """Goes on from T0, much faster than the real one."""

    def __init__(self) -> None:
        self._begun = time.monotonic_ns()

    def __call__(self) -> int:
        return T0 + int((time.monotonic_ns() - self._begun) * SPEED)


class MemoryJournal:
    """Keeps records, unless told to fail."""

    def __init__(self) -> None:
        self.records: list[bytes] = []
        self.batches: list[int] = []
        self.error: Exception | None = None
        self.tries = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.snapshot: tuple[int, bytes] | None = None

    async def append(self, records: Sequence[bytes], first_seq: int) -> None:
        self.tries += 1
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        assert first_seq == len(self.records) + 1, "a gap in the journal"
        self.records += records
        self.batches.append(len(records))

    async def save_snapshot(self, seq: int, body: bytes) -> None:
        assert 0 < seq <= len(self.records)
        self.snapshot = seq, body

    async def load_snapshot(self) -> tuple[int, bytes] | None:
        return self.snapshot

    async def read(self, after_seq: int = 0) -> AsyncIterator[tuple[int, bytes]]:
        self.read_from = after_seq
        for seq, body in enumerate(self.records[after_seq:], after_seq + 1):
            yield seq, body


class _Stream:
    """Does what `on_run` says, then says nothing more."""

    def __init__(self) -> None:
        self.runs = 0
        self.on_run: Callable[[Sink], Awaitable[None]] | None = None

    async def run(self, sink: Sink) -> None:
        self.runs += 1
        self.sink = sink
        if self.on_run is not None:
            await self.on_run(sink)
        await asyncio.Event().wait()


class FakeBroker(_Stream):
    """Answers requests with what `answer` does; remembers every one of them."""

    book = BOOK
    capabilities = Capabilities()

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Any] = []
        self.answer: Callable[[Any], Awaitable[Any]] | None = None
        self.held: tuple[VenuePosition, ...] = ()

    async def _act(self, request: Any) -> Any:
        self.sent.append(request)
        return await self.answer(request) if self.answer is not None else None

    async def place(self, order: fx.PlaceOrder) -> str:
        return await self._act(order) or f"v-{order.client_id}"

    async def modify(self, change: fx.ModifyOrder) -> None:
        await self._act(change)

    async def cancel(self, order: fx.CancelOrder) -> None:
        await self._act(order)

    async def close(self, position: fx.ClosePosition) -> None:
        await self._act(position)

    async def snapshot(self, since: int, *, urgent: bool = False) -> ev.SnapshotTaken:
        await self._act(("snapshot", since))
        return ev.SnapshotTaken(
            ts_recv=T0, book=BOOK, since=since, account=ACCOUNT, orders=(), fills=(), positions=self.held
        )


class FakeFeed(_Stream):
    def __init__(self) -> None:
        super().__init__()
        self.history_calls: list[str] = []
        self.history_errors: list[Exception] = []
        self.far_calls: list[tuple[str, int, int]] = []
        self.far: Sequence[Bar] = ()

    async def history(
        self, instrument: str, start: int, end: int, timeframe: Timeframe = Timeframe.M1
    ) -> Sequence[Bar]:
        if timeframe is not Timeframe.M1:
            self.far_calls.append((instrument, start, end))
            return self.far
        self.history_calls.append(instrument)
        if self.history_errors:
            raise self.history_errors.pop(0)
        return ()


class FakedEngine:
    """An engine with fakes around it."""

    def __init__(
        self,
        record: Callable[[ev.AnyEvent], None] | None = None,
        *,
        strategy: Strategy | None = None,
        journal: MemoryJournal | None = None,
        state: State | None = None,
        admit: Callable[[str, str, Account], None] | None = None,
        wall: Callable[[], int] | None = None,
    ) -> None:
        self.journal = journal if journal is not None else MemoryJournal()
        self.broker = FakeBroker()
        self.feed = FakeFeed()
        self.clock = Clock()
        config = EngineConfig((MNQ,), "fake", "t", 1, TradingSwitch.LIVE, books=(BookConfig(BOOK),))
        self.core = Core(config, strategy or ScriptedStrategy([]), state)
        seq = len(self.journal.records)
        self.engine = Engine(
            self.core,
            self.journal,
            seq,
            {"": self.feed},
            [self.broker],
            self.clock,
            record,
            SPEED,
            admit=admit,
            wall=wall,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        """At work until the end of the block, then shut down."""
        main = asyncio.create_task(self.engine.main())
        try:
            yield main
            self.engine.ask(Shutdown(id="end"))
            async with asyncio.timeout(patient(8)):
                await main
        finally:
            main.cancel()
            await asyncio.gather(main, return_exceptions=True)


def adopted() -> ev.AccountAdopted:
    return ev.AccountAdopted(ts_recv=T0, book=BOOK, account=ACCOUNT)


def resolved() -> ev.ContractResolved:
    return ev.ContractResolved(ts_recv=T0, instrument=MNQ, contract_id="x", name="MNQX")


async def known(sink: Sink) -> None:
    """What an adapter tells first: contract and account."""
    sink(resolved())
    sink(adopted())


DOWN = RetryableError("disk full")
