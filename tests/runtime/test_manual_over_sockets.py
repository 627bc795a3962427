"""Orders by hand over the control socket and a practice venue, with the engine killed in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.control.client import send_command
from adapters.control.server import ControlServer
from engine.model import records as r
from engine.model.commands import CancelManual, ChangeManual, ManualCommand, PlaceManual
from engine.model.market import NANOS, Side
from engine.model.orders import OrderStatus, OrderType
from tests.runtime.test_restarts import first, last_run
from tests.support.dying import died_at_the_entry
from tests.support.engine_over_sockets import MNQ, PRICE, Run, VenueSide, placed, venue_side
from tests.support.patience import patient
from tests.support.waits import until

LIMIT, STOP = 1, 4
"""Types of orders, in the venue's numbers."""
AGAIN = "taken already, nothing is done twice: "


def at(ticks: int) -> Decimal:
    return MNQ.price(PRICE + ticks)


def buy(name: str, **given: Any) -> PlaceManual:
    """Buy two 20 ticks below the market, stop 60 below it, target 100 above."""
    terms: dict[str, Any] = {
        "entry": OrderType.LIMIT,
        "price": at(-20),
        "stop": at(-60),
        "targets": (at(100),),
    }
    return PlaceManual(id=name, source="cli", instrument="MNQ", side=Side.BUY, qty=2, **(terms | given))


async def lists(f: VenueSide, kind: int, wanted: tuple[int, float]) -> None:
    """Wait until the venue lists this one order of a type: it takes a moment over a change."""
    async with asyncio.timeout(patient(10)):
        while of(await f.working(), kind) != [wanted]:
            pass


class Hands:
    """A person at the control socket of one run."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def say(self, command: ManualCommand) -> str:
        return (await asyncio.to_thread(send_command, self._path, command)).text


@asynccontextmanager
async def hands(f: VenueSide, run: Run) -> AsyncIterator[Hands]:
    server = ControlServer(run.engine, f.journal.parent / "control.sock")
    await server.start()
    try:
        f.market(PRICE)
        await until(lambda: "MNQ" in run.core.market.quotes)
        book = run.core.books["practice"]
        await until(lambda: book.recovered and not run.core.entries.against(book, "MNQ"))
        yield Hands(server.path)
    finally:
        await server.stop()


def of(rows: Any, kind: int) -> list[tuple[int, float]]:
    """(Contracts, price) of the venue's orders of one type."""
    return [
        (o["size"], o["limitPrice"] if kind == LIMIT else o["stopPrice"]) for o in rows if o["type"] == kind
    ]


async def test_an_order_that_was_on_its_way_exists_once_and_lives_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with venue_side(tmp_path) as f:
        async with f.engine() as run, hands(f, run) as person:
            answers: list[str] = []

            async def begin() -> None:
                answers.append(await person.say(buy("one")))
                assert answers[0].startswith("placed as"), answers

            [entry] = await died_at_the_entry(run, begin, 1, monkeypatch, sent=True)
        async with f.engine() as again, hands(f, again) as person:
            await until(lambda: again.book.orders[entry.client_id].status is OrderStatus.WORKING)
            assert await person.say(buy("one")) == AGAIN + answers[0]
            assert placed(again) == 0
            assert (2, float(at(-20))) in of(await f.working(), LIMIT)
            assert "entry to" in await person.say(ChangeManual(id="move", order="one", price=at(-30)))
            await until(lambda: again.book.orders[entry.client_id].limit == PRICE - 30)
            f.market(PRICE - 31)
            await until(lambda: again.qty() == 2 and again.stops() == [(2, PRICE - 60)])
            await again.crash()
        async with f.engine() as third, hands(f, third) as person:
            assert (third.qty(), third.stops()) == (2, [(2, PRICE - 60)])
            assert AGAIN in await person.say(ChangeManual(id="move", order="one", price=at(-30)))
            f.market(PRICE - 10)
            answer = await person.say(ChangeManual(id="stop", order="one", stop=at(-40), targets=(at(120),)))
            assert "stop to" in answer, answer
            await until(lambda: third.stops() == [(2, PRICE - 40)])
            assert "the 2 held keep their stops" in await person.say(CancelManual(id="c", order="one"))
            assert AGAIN in await person.say(buy("one"))
            await lists(f, STOP, (2, float(at(-40))))
            await lists(f, LIMIT, (2, float(at(120))))
            assert [position["size"] for position in await f.positions()] == [2]


async def test_an_order_that_was_never_sent_is_not_sent_by_the_next_start_nor_by_its_repeat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with venue_side(tmp_path) as f:
        async with f.engine() as run, hands(f, run) as person:
            [entry] = await died_at_the_entry(run, lambda: person.say(buy("one")), 1, monkeypatch, sent=False)
        async with f.engine() as again, hands(f, again) as person:
            order = again.book.orders[entry.client_id]
            assert AGAIN in await person.say(buy("one"))
            f.clock.skip(20 * NANOS)
            await until(lambda: order.status is OrderStatus.REJECTED and not again.book.plans, 15)
            assert AGAIN in await person.say(buy("one"))
            assert (await f.positions(), await f.working(), placed(again)) == ([], [], 0)
            f.market(PRICE)
            await until(lambda: not again.core.entries.against(again.core.books["practice"], "MNQ"))
            assert (await person.say(buy("two"))).startswith("placed as")
            await until(lambda: [o for o in again.book.live_orders() if o.status is OrderStatus.WORKING])
            assert of(await f.working(), LIMIT)[:1] == [(2, float(at(-20)))]
            assert (await person.say(CancelManual(id="c", order="two"))).endswith("is being cancelled")
            await until(lambda: not again.book.plans)
            assert await f.working() == []
    assert first(last_run(f.journal), r.FillApplied) == len(last_run(f.journal))
