"""The ladder and the tape: what they show, and that a key trades only once the ladder is armed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any, cast

import pytest
from msgspec.structs import replace
from textual import events
from textual.pilot import Pilot

from engine.model.commands import AnyCommand, CancelManual, ChangeManual, PlaceManual
from engine.model.depth import BarDelta, DepthView, QueuePlace, TapePrint, TapeView
from engine.model.market import MINUTE, NANOS, Side, Timeframe
from engine.model.orders import OrderType, Slot
from engine.model.view import View
from tests.support.waits import until
from tests.tui import fake
from tests.tui.charts import NOW
from tests.tui.cockpit import Cockpit, grid_text, running
from tui.ladder_orders import LadderTerms
from tui.rows.ladder import bar
from tui.screens.ladder import LadderScreen
from tui.screens.page import Page
from tui.styled_text import text_of, width_of

MARKET = 84_136
"""Bid of MNQ, ticks: 21034.00."""


def depth(**more: Any) -> DepthView:
    bids = tuple((MARKET - n, 3 + n * 7 % 23) for n in range(10))
    asks = tuple((MARKET + 1 + n, 4 + n * 11 % 29) for n in range(10))
    traded = tuple((MARKET + n, 40 + (n * n * 13) % 400) for n in range(-40, 41))
    made = DepthView(
        "MNQ", NOW, bids, asks, last=MARKET + 1, last_size=2, last_side=1, traded=traded,
        traded_most=max(size for _, size in traded), queue=(QueuePlace("ts-2", 14),),
    )  # fmt: skip
    return replace(made, **more)


def tape(timeframe: Timeframe = Timeframe.M5) -> TapeView:
    prints = tuple(
        TapePrint(n, NOW - (60 - n) * NANOS, MARKET + n % 4, 40 if n == 57 else 1 + n % 7, n % 3 - 1)
        for n in range(1, 60)
    )
    bars, total = [], 0
    for n in range(24):
        bought, sold = (0, 0) if n < 6 else (400 + n * 37 % 300, 90 if n == 20 else 380 + n * 53 % 300)
        total += bought - sold
        bars.append(BarDelta(NOW - NOW % MINUTE - (24 - n) * 5 * MINUTE, 1_204 + n, bought, sold, total))
    return TapeView("MNQ", timeframe, prints, tuple(bars), total, NOW - 18 * 5 * MINUTE, False, 14)


def cockpit(view: View | None = None, **options: Any) -> Cockpit:
    made = Cockpit(view, **options)
    made.engine.depths["MNQ"] = depth()
    made.engine.tapes |= {("MNQ", frame): tape(frame) for frame in Timeframe}
    return made


def page(c: Cockpit) -> str:
    screen = c.app.screen
    assert isinstance(screen, Page)
    return grid_text(screen._grid)


def said(c: Cockpit, words: str) -> bool:
    """Whether a toast of late says so."""
    return any(words in toast for toast in c.toasts()[-3:])


def ladder(c: Cockpit) -> LadderScreen:
    return next(one for one in reversed(c.app.screen_stack) if isinstance(one, LadderScreen))


async def trade(c: Cockpit, pilot: Pilot[Any], *keys: str) -> None:
    """Press keys that trade, and let pass what they wait for."""
    for key in keys:
        await c.press(pilot, key)
        await until(lambda: not ladder(c).pending)
        await pilot.pause()


def changed(command: AnyCommand) -> ChangeManual:
    assert isinstance(command, ChangeManual)
    return command


async def arm(c: Cockpit, pilot: Pilot[Any]) -> None:
    await c.press(pilot, "a")
    await c.later(pilot)
    await c.press(pilot, "y")
    assert ladder(c).armed


@pytest.fixture
async def shown() -> AsyncIterator[tuple[Cockpit, Pilot[Any]]]:
    c = cockpit(ladder=LadderTerms(2, 24, 48))
    async with running(c, (80, 30)) as pilot:
        await c.press(pilot, "L")
        await c.later(pilot)
        yield c, pilot


async def test_arm_place_move_cancel_and_what_disarms(shown: tuple[Cockpit, Pilot[Any]]) -> None:
    c, pilot = shown
    sent = c.engine.sent
    await trade(c, pilot, "b", "s", "B", "S", "x", "m")
    assert not sent
    assert said(c, "not armed")
    await c.press(pilot, "a", "n")  # No
    assert not ladder(c).armed
    await arm(c, pilot)
    assert "ARMED" in page(c)

    # A limit at the cursor, with its stop and target.
    await trade(c, pilot, "j", "j", "b")
    placed = cast("PlaceManual", sent[-1])
    assert (placed.side, placed.entry, placed.qty) == (Side.BUY, OrderType.LIMIT, 2)
    assert (placed.price, placed.stop_ticks, placed.target_ticks) == (Decimal("21033.50"), 24, (48,))
    # On the wrong side it would fill at once.
    await trade(c, pilot, "s")
    assert len(sent) == 1
    assert said(c, "fills at once")
    await trade(c, pilot, "plus", "right_square_bracket", "left_curly_bracket", "S")
    market = cast("PlaceManual", sent[-1])
    assert (market.side, market.entry, market.qty, market.price) == (Side.SELL, OrderType.MARKET, 3, None)
    assert (market.stop_ticks, market.target_ticks) == (25, (40,))

    # Our order shows beside its price, moves, and is taken back.
    view = c.engine.current
    entry = replace(view.orders[0], client_id="e-1", slot=Slot.ENTRY, side=Side.BUY, type=OrderType.LIMIT,
                    price=Decimal("21033.50"), plan="p-1", qty=2)  # fmt: skip
    c.engine.show(replace(view, orders=(*view.orders, entry)))
    await c.later(pilot)
    row = next(line for line in page(c).splitlines() if "▶" in line)
    assert "entry 2" in row
    await trade(c, pilot, "m")
    assert "moving the entry" in page(c)
    await trade(c, pilot, "j", "j", "j", "j", "m")
    moved = changed(sent[-1])
    assert (moved.order, moved.book, moved.price, moved.stop) == (
        "e-1",
        "practice",
        Decimal("21032.50"),
        None,
    )
    await trade(c, pilot, "k", "k", "k", "k", "x")
    taken: AnyCommand = sent[-1]
    assert isinstance(taken, CancelManual)
    assert (taken.order, taken.book) == ("e-1", "practice")

    # A stop that is moved away asks, with the money; the target of a trade takes the others along.
    ladder(c).cursor = int(Decimal("21020.00") * 4)
    await trade(c, pilot, "m", "j", "j", "m")
    count = len(sent)
    from tui.screens.confirm import ConfirmScreen

    assert isinstance(c.app.screen, ConfirmScreen)
    assert "2.00 USD more at risk" in c.app.screen._shown.lines[0]
    await c.later(pilot)
    await c.press(pilot, "y")
    await pilot.pause()
    assert len(sent) == count + 1
    assert changed(sent[-1]).stop == Decimal("21019.50")
    await trade(c, pilot, "x")
    assert len(sent) == count + 1  # nothing of ours there
    ladder(c).cursor = int(Decimal("21041.25") * 4)
    await trade(c, pilot, "m", "k", "m")
    assert changed(sent[-1]).targets == (Decimal("21041.50"), Decimal("21052.00"))
    await trade(c, pilot, "j", "x")
    assert said(c, "a target is no entry")

    # What disarms it: idleness, read-only, the engine, another contract, leaving.
    count = len(sent)
    await c.later(pilot, 301)
    assert not ladder(c).armed
    await arm(c, pilot)
    await c.press(pilot, "r")
    await c.later(pilot)
    assert not ladder(c).armed
    await trade(c, pilot, "b")
    await c.press(pilot, "r")
    await c.later(pilot)
    await c.press(pilot, "y")
    await arm(c, pilot)
    view = c.engine.current
    c.engine.show(replace(view, health=replace(view.health, ok=False, stopped=True)))
    await c.later(pilot)
    assert not ladder(c).armed
    c.engine.show(view)
    await c.later(pilot)
    await arm(c, pilot)
    await c.press(pilot, "n")
    await c.later(pilot)
    assert not ladder(c).armed
    await c.press(pilot, "N")
    await arm(c, pilot)
    await c.press(pilot, "escape")
    assert not ladder(c).armed
    await c.press(pilot, "escape")
    assert not isinstance(c.app.screen, LadderScreen)
    assert len(sent) == count


async def test_f50_what_is_pasted_held_or_late_trades_nothing() -> None:
    ages: list[float] = []
    c = cockpit(key_age=lambda _: ages.pop(0) if ages else 0.0)
    async with running(c, (60, 20)) as pilot:
        await c.press(pilot, "L")
        await c.later(pilot)
        await arm(c, pilot)
        c.clock.now += 5
        await pilot.press("b", "B", "s")  # at one instant
        await until(lambda: not ladder(c).pending)
        await pilot.pause()
        assert not c.engine.sent
        assert not ladder(c).armed
        assert any("pasted trades nothing" in toast for toast in c.toasts())
        await arm(c, pilot)
        c.app.post_message(events.Paste("bBsS"))
        await until(lambda: not ladder(c).pending)
        await pilot.pause()
        assert not c.engine.sent
        ages[:] = [3.0]
        await trade(c, pilot, "B")
        assert not c.engine.sent
        assert said(c, "held up")
        for _ in range(5):  # held: thirty a second
            c.clock.now += 0.4
            await pilot.press("B")
            await until(lambda: not ladder(c).pending)
        assert len(c.engine.sent) <= 1


async def test_an_order_to_be_filled_in_begins_with_the_price_at_the_cursor(
    shown: tuple[Cockpit, Pilot[Any]],
) -> None:
    c, pilot = shown
    from tui.screens.ticket import TicketScreen

    await c.press(pilot, "k", "k", "k", "o")
    await pilot.pause()
    assert isinstance(c.app.screen, TicketScreen)
    ticket = c.app.screen.ticket
    assert (ticket.side, ticket.entry, ticket.price) == (Side.SELL, OrderType.LIMIT, "21034.75")
    assert (ticket.stop.text, ticket.target.text) == ("21040.75", "21022.75")
    await c.press(pilot, "escape")
    assert isinstance(c.app.screen, LadderScreen)
    assert all(isinstance(one, PlaceManual) and one.dry_run for one in c.engine.sent)


async def test_it_says_what_the_book_is_worth(shown: tuple[Cockpit, Pilot[Any]]) -> None:
    c, pilot = shown
    ladder(c).cursor = int(Decimal("21041.25") * 4)
    await c.later(pilot)
    assert "target 1 ~14" in page(c)
    for change, words in (
        ({"broken": "3 changes of it are missing"}, "NOT THE BOOK OF NOW: 3 changes"),
        ({"untold": True, "bids": (), "asks": ()}, "no order book here"),
        ({"touch_only": True}, "best prices only"),
        ({"traded_about": True}, "~traded"),
    ):
        c.engine.depths["MNQ"] = depth(**change)
        await c.later(pilot)
        assert words in page(c)
    two = fake.two_books()
    c.engine.show(two)
    await c.later(pilot)
    await c.press(pilot, "a")
    assert said(c, "several books")


async def test_the_ladder_follows_the_market_and_the_cursor(shown: tuple[Cockpit, Pilot[Any]]) -> None:
    c, pilot = shown
    screen = ladder(c)
    top = screen._top
    moved = depth(bids=((MARKET + 3, 4),), asks=((MARKET + 4, 4),))
    c.engine.depths["MNQ"] = moved
    await c.later(pilot)
    assert screen._top == top  # it need not move yet
    c.engine.depths["MNQ"] = depth(bids=((MARKET + 30, 4),), asks=((MARKET + 31, 4),))
    await c.later(pilot)
    assert screen._top != top
    assert "▶ 21041.50" in page(c).replace("◆", " ").replace("▶  ", "▶ ")
    await c.press(pilot, *["ctrl+d"] * 6)
    assert screen.cursor == MARKET + 30 - 60
    await c.later(pilot)
    assert "21026.50" in page(c)
    await c.press(pilot, "c")
    assert screen.cursor is None


def painted(c: Cockpit) -> tuple[str, str, str]:
    """Best bid and ask as the title says them, and the price at the cursor."""
    note = text_of(ladder(c)._grid.content.note).split()
    row = next(line for line in page(c).splitlines() if "▶" in line)
    return note[1], note[3], row.split("▶")[1].replace("◆", " ").split()[0]


async def test_title_rows_and_keys_are_of_one_moment(shown: tuple[Cockpit, Pilot[Any]]) -> None:
    """The quote runs ahead of its book, and a book that has come is not painted yet."""
    c, pilot = shown
    view = c.engine.current
    ahead = replace(view.contracts[0], bid=Decimal("21036.00"), ask=Decimal("21036.25"))
    c.engine.show(replace(view, contracts=(ahead, *view.contracts[1:])))
    await c.later(pilot)
    assert painted(c) == ("21034.00", "21034.25", "21034.00")
    c.engine.depths["MNQ"] = depth(broken="3 changes of it are missing")
    await c.later(pilot)
    assert painted(c)[:2] == ("21036.00", "21036.25")  # there is no book to be believed
    c.engine.depths["MNQ"] = depth()
    await c.later(pilot)
    await arm(c, pilot)
    await c.later(pilot)
    for key in ("b", "j"):
        assert painted(c)[2] == "21034.00"
        c.app.frame_rate.due(c.clock.now)  # no frame is due before time goes on
        c.engine.depths["MNQ"] = depth(bids=((MARKET + 6, 4),), asks=((MARKET + 7, 4),))
        await pilot.press(key)  # before the next frame
        await until(lambda: not ladder(c).pending)
        c.engine.depths["MNQ"] = depth()
        await c.later(pilot)
    assert cast("PlaceManual", c.engine.sent[-1]).price == Decimal("21034.00")
    assert ladder(c).cursor == int(Decimal("21033.75") * 4)
    # Where no price is painted a limit has none, and becomes no order at market.
    ladder(c).cursor, count = None, len(c.engine.sent)
    blank = replace(ahead, bid=None, ask=None, last=None)
    c.engine.show(replace(view, contracts=(blank, *view.contracts[1:])))
    del c.engine.depths["MNQ"]
    await c.later(pilot)
    assert ladder(c).armed
    await trade(c, pilot, "b", "s")
    assert len(c.engine.sent) == count
    assert said(c, "no price yet")


async def test_the_tape_filters_and_marks(shown: tuple[Cockpit, Pilot[Any]]) -> None:
    c, pilot = shown
    await c.press(pilot, "escape", "S")
    await c.later(pilot)
    assert "◆" in page(c)
    assert "since" in page(c)
    await c.press(pilot, *["plus"] * 7)
    assert "from 8" in page(c)
    assert len([line for line in page(c).splitlines() if "buy" in line or "sell" in line]) <= 1
    await c.press(pilot, "0", "t", "d")
    assert "10m" in page(c)
    assert "▲!" in page(c)
    assert "—" in page(c)


def test_bars_are_as_long_as_what_they_stand_for() -> None:
    assert bar(0.0, 4).strip() == ""
    assert bar(1.0, 4) == "████"
    assert bar(0.5, 3) == "█▌ "
    assert {width_of(((bar(n / 50, 7), "text"),)) for n in range(60)} == {7}
