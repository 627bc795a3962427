"""The program on a practice venue whose market the test moves: the venue lives in the test's own process."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

import msgspec

from adapters.common.files import replace_file
from adapters.control.client import fetch_view
from adapters.simulator.config import SimulatorConfig
from adapters.simulator.exchange.codes import SideCode, StatusCode, TypeCode
from adapters.simulator.exchange.rows import OrderRow
from adapters.simulator.market.hours import practice_open
from adapters.simulator.market.scripted import ScriptedMarket
from adapters.simulator.practice import PracticeVenue
from engine.model.errors import RefusedError, RetryableError
from engine.model.events import LinkState, Print, Quote
from engine.model.instrument import CME_FUTURES
from engine.model.view import View
from tests.e2e.program import Headless
from tests.support.patience import patient

MES = CME_FUTURES["MES"]
START = practice_open(date(2031, 10, 7))
PATIENCE_S = 20.0
LOOK_S = 0.005
REPEAT_S = 0.5
"""The market is shown again so often, so that it does not look dead."""

PROGRAM = """
import os, sys
from tstream import cli
from tstream.run import practice

os.environ["READY"] = sys.argv.pop(1)
practice.VENUE_MODULE = "tests.e2e.named_venue"
cli.main()
"""
"""tstream, to which the child that should be its practice venue names the one that runs already."""

_LIVE = {StatusCode.OPEN, StatusCode.PENDING, StatusCode.SUSPENDED}


class ScriptedVenue:
    """A practice venue that trades MES only, and does nothing by itself. Prices in ticks."""

    def __init__(self, practice: PracticeVenue, price: int) -> None:
        self.practice = practice
        self.price = price
        self._show(price)

    def move(self, price: int) -> None:
        """Go there tick by tick, each of them traded."""
        step = 1 if price > self.price else -1
        for passed in range(self.price + step, price + step, step):
            self._show(passed)

    async def stay(self) -> None:
        """Show the market as it is, until cancelled."""
        while True:
            await asyncio.sleep(REPEAT_S)
            self._show(self.price)

    def _show(self, price: int) -> None:
        self.price, now = price, self.practice.now()
        quote = Quote(ts_recv=now, ts_venue=now, instrument="MES", bid=price, ask=price + 1, last=price)
        self.practice.push(quote)
        self.practice.push(Print(ts_recv=now, ts_venue=now, instrument="MES", price=price, size=500))

    # --- what stands there ------------------------------------------------------------------------------

    @property
    def qty(self) -> int:
        position = self.practice.account.holdings.positions.get("MES")
        return position.qty if position is not None else 0

    @property
    def orders(self) -> list[OrderRow]:
        """All that there ever were, oldest first."""
        return list(self.practice.account.rows.orders.values())

    @property
    def entries(self) -> list[OrderRow]:
        return [row for row in self.orders if row.parent is None and row.type == TypeCode.MARKET]

    @property
    def live(self) -> list[OrderRow]:
        return [row for row in self.orders if row.status in _LIVE]

    def working(self, kind: TypeCode) -> dict[int, int]:
        """Contracts by price in working orders that sell."""
        found: dict[int, int] = {}
        for row in self.live:
            if (row.type, row.status, row.side) == (kind, StatusCode.OPEN, SideCode.SELL):
                price = row.stop if kind is TypeCode.STOP else row.limit
                assert price is not None
                found[price] = found.get(price, 0) + row.size - row.filled
        return found

    @property
    def stops(self) -> dict[int, int]:
        return self.working(TypeCode.STOP)

    @property
    def targets(self) -> dict[int, int]:
        return self.working(TypeCode.LIMIT)

    @property
    def protected(self) -> bool:
        """A position, and stops and targets for all of it."""
        return self.qty > 0 and self.qty == sum(self.stops.values()) == sum(self.targets.values())

    @property
    def flat(self) -> bool:
        return not self.qty and not self.live


@asynccontextmanager
async def scripted_venue(config: SimulatorConfig, price: int) -> AsyncIterator[ScriptedVenue]:
    async with PracticeVenue(config, ScriptedMarket([MES], START)) as practice:
        led = ScriptedVenue(practice, price)
        staying = asyncio.create_task(led.stay())
        try:
            yield led
        finally:
            staying.cancel()
            await asyncio.gather(staying, return_exceptions=True)


class Program:
    """`tstream run --headless` on the venue, and what it shows over its control socket."""

    def __init__(self, home: Path, venue: ScriptedVenue) -> None:
        clock = venue.practice.practice_clock
        ready = {"port": venue.practice.port, "origin_ns": clock.origin_ns, "rate": clock.rate, "seed": 0}
        ready["real_origin_ns"] = clock.real_origin_ns
        said = msgspec.json.encode(ready).decode()
        replace_file(home / "data/practice/key", venue.practice.config.key.encode())
        self._socket = home / "run" / "control.sock"
        self.headless = Headless(home, program=(sys.executable, "-c", PROGRAM, said))
        self.shown: View | None = None

    async def until(self, true: Callable[[], object], what: str) -> None:
        """Wait for something at the venue or on a channel."""
        try:
            async with asyncio.timeout(patient(PATIENCE_S)):
                while not true():
                    assert self.headless.process.poll() is None, f"ended until {what}\n{self.headless.output}"
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            raise AssertionError(f"waited in vain until {what}\n{self.headless.output}") from None

    async def view(self, true: Callable[[View], object], what: str) -> View:
        """Wait until the engine shows something; the View that shows it."""
        try:
            async with asyncio.timeout(patient(PATIENCE_S)):
                while (seen := await asyncio.to_thread(self._look)) is None or not true(seen):  # noqa: ASYNC110
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            raise AssertionError(f"waited in vain until {what}\n{self.headless.output}") from None
        return seen

    async def ready(self) -> View:
        """Every book is verified, the market flows and the rooms are read."""
        return await self.view(_ready, "it may trade")

    async def end(self) -> int:
        """Stop it as a person does; the exit code."""
        self.headless.process.terminate()
        return await asyncio.to_thread(self.headless.process.wait, patient(PATIENCE_S))

    async def kill(self) -> None:
        self.headless.process.kill()
        await asyncio.to_thread(self.headless.process.wait, patient(PATIENCE_S))

    def _look(self) -> View | None:
        try:
            return fetch_view(self._socket)
        except (RefusedError, RetryableError):
            return None


def _ready(view: View) -> bool:
    links = {link.name: link.state for link in view.links}
    return (
        bool(view.books)
        and all(book.reconciled for book in view.books)
        and all(links.get(name) is LinkState.LIVE for name in ("discord", "user"))
        and bool(view.contracts)
        and all(contract.last is not None and not contract.stale for contract in view.contracts)
    )


@asynccontextmanager
async def program(home: Path, venue: ScriptedVenue) -> AsyncIterator[Program]:
    running = Program(home, venue)
    with running.headless:
        yield running
