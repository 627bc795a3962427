"""A person's whole tasks by key, from the first key to the order at the venue; and what no key may do."""

from __future__ import annotations

import random
import re

import pytest
from msgspec.structs import replace
from textual.events import Paste
from textual.pilot import Pilot
from textual.widgets import Static

from engine.model.commands import ChangeManual, PlaceManual, ReduceManual, ReverseManual
from engine.model.instrument import CME_FUTURES
from engine.model.market import Side, Timeframe
from engine.model.orders import OrderType, Slot
from tests.support.venue_orders import MNQ, PRICE
from tests.tui.charts import charts
from tests.tui.cockpit import grid_text, running
from tests.tui.hands_on import HandsOn, HandsOnCockpit
from tui.screens.confirm import ConfirmScreen
from tui.screens.main import MainScreen
from tui.screens.moving import MoveScreen
from tui.screens.ticket import TicketScreen
from tui.ticket import HowSaid
from tui.widgets.grid import LiveGrid

SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])


def shown(cockpit: HandsOnCockpit) -> str:
    """What the ticket or the bar says."""
    return " ".join(grid_text(cockpit.app.screen.query_one(LiveGrid)).split())


@SIZES
async def test_a_day_of_trading_by_key(size: tuple[int, int]) -> None:
    """Bought with a stop in six keys, its stop moved, half closed, more added, a target added, reversed."""
    engine = HandsOn()
    cockpit = HandsOnCockpit(engine)
    venue, app = engine.venue, cockpit.app
    async with running(cockpit, size) as pilot:
        # From anywhere: o, enter, y; without a known range the stop is forty ticks away.
        await cockpit.do(pilot, "o")
        assert isinstance(app.screen, TicketScreen)
        for text in ("111.10 USD", "reward to risk 2.00", "0 → +5", "trades today", "would be taken"):
            assert text in shown(cockpit), text
        await cockpit.do(pilot, "enter")
        assert isinstance(app.screen, ConfirmScreen)
        assert engine.sent == []
        await cockpit.do(pilot, "y")
        [sent] = engine.sent
        assert isinstance(sent, PlaceManual)
        assert (sent.side, sent.qty, sent.stop_ticks, sent.target_ticks) == (Side.BUY, 5, 40, (80,))
        await cockpit.settle(pilot)
        assert venue.stops() == [(5, PRICE + 1 - 40)]

        # The stop by four ticks: tightening asks nothing.
        await cockpit.do(pilot, "]")
        assert isinstance(app.screen, MoveScreen)
        await cockpit.do(pilot, "]", "]", "]")
        assert "+4 ticks" in shown(cockpit)
        assert "111.10 → 101.10 USD" in shown(cockpit)
        await cockpit.do(pilot, "enter")
        await cockpit.settle(pilot)
        assert venue.stops() == [(5, PRICE + 1 - 36)]
        assert isinstance(app.screen, MainScreen)

        # Loosening is asked, and beyond the trade's limit refused.
        await cockpit.do(pilot, "[", "[", "enter")
        assert isinstance(app.screen, ConfirmScreen)
        await cockpit.do(pilot, "n", "escape")
        await cockpit.do(pilot, "{", *"{{{{{{", "enter")
        assert isinstance(app.screen, MoveScreen)
        assert "more would be at risk, and that is refused" in shown(cockpit)
        await cockpit.do(pilot, "escape")
        assert len(engine.sent) == 2

        # Half of it.
        await cockpit.do(pilot, "C", "y")
        assert isinstance(engine.sent[-1], ReduceManual)
        await cockpit.settle(pilot, 3)
        assert venue.stops() == [(2, PRICE + 1 - 36)]

        # One more, by name: no key has it but the row's menu.
        app.action_act("add-to-trade")
        await cockpit.later(pilot)
        await cockpit.later(pilot)
        assert "would be taken" in shown(cockpit)
        await cockpit.do(pilot, "enter")
        assert isinstance(app.screen, ConfirmScreen)
        await cockpit.do(pilot, "y")
        await cockpit.settle(pilot, 3)
        assert sum(qty for qty, _ in venue.stops()) == 3

        # Trailing, at a distance that is typed.
        await cockpit.do(pilot, "u", "3", "0", "enter")
        assert isinstance(engine.sent[-1], ChangeManual)
        assert engine.sent[-1].trail_ticks == 30
        venue.quote(PRICE + 10)
        await cockpit.settle(pilot, 3)
        assert min(price or 0 for _, price in venue.stops()) == PRICE + 10 - 30

        # The other way around: one question with both orders.
        await cockpit.do(pilot, "R")
        assert isinstance(app.screen, ConfirmScreen)
        await cockpit.do(pilot, "y")
        assert isinstance(engine.sent[-1], ReverseManual)
        await cockpit.settle(pilot, 3)
        await cockpit.settle(pilot, 3)
        assert venue.positions["MNQ"] == -3
        assert sum(qty for qty, _ in venue.stops()) == 3


@SIZES
async def test_an_addition_rests_at_a_limit_is_moved_and_grows_the_protection(size: tuple[int, int]) -> None:
    engine = HandsOn()
    cockpit = HandsOnCockpit(engine)
    venue, app = engine.venue, cockpit.app
    venue.say(PlaceManual(id="p", instrument="MNQ", side=Side.BUY, qty=2, stop_ticks=40, target_ticks=(80,)))
    engine.settle(3)
    async with running(cockpit, size) as pilot:
        app.action_act("add-to-trade")
        await cockpit.later(pilot)
        await cockpit.do(pilot, "l", "{", "tab", "m", "l", "{", "[")
        assert f"1 at {MNQ.price(PRICE - 11):.2f}" in shown(cockpit)
        await cockpit.do(pilot, "enter")
        assert isinstance(app.screen, ConfirmScreen)
        await cockpit.do(pilot, "y")
        await cockpit.settle(pilot)
        [placed] = [o for o in venue.book.live_orders() if o.slot is Slot.ENTRY]
        assert (placed.open_qty, placed.limit) == (1, PRICE - 11)
        assert sum(qty for qty, _ in venue.stops()) == 2
        await cockpit.do(pilot, "[", "tab", "[", "enter")
        if isinstance(app.screen, ConfirmScreen):
            await cockpit.do(pilot, "y")
        await cockpit.settle(pilot)
        assert placed.limit == PRICE - 12
        engine.fill(placed.client_id)
        await cockpit.settle(pilot, 3)
        assert sum(qty for qty, _ in venue.stops()) == 3


@SIZES
async def test_a_limit_entry_is_placed_moved_and_filled_and_its_bracket_works(size: tuple[int, int]) -> None:
    engine = HandsOn()
    cockpit = HandsOnCockpit(engine)
    venue, app = engine.venue, cockpit.app
    async with running(cockpit, size) as pilot:
        await cockpit.do(pilot, "o", "s", "l", *f"{MNQ.price(PRICE + 20)}")
        await cockpit.do(pilot, "down", "2", "down", "4", "0")
        assert "entry" in shown(cockpit)
        await cockpit.do(pilot, "enter", "y")
        [sent] = engine.sent
        assert isinstance(sent, PlaceManual)
        assert (sent.side, sent.entry, sent.price, sent.qty) == (
            Side.SELL,
            OrderType.LIMIT,
            MNQ.price(PRICE + 20),
            2,
        )
        await cockpit.settle(pilot)
        [entry] = engine.entries
        assert "entry" in cockpit.pane("orders") or size == (80, 24)
        await cockpit.do(pilot, "]", "]", "enter")
        if isinstance(app.screen, ConfirmScreen):
            await cockpit.do(pilot, "y")
        await cockpit.settle(pilot)
        assert venue.order(entry).limit == PRICE + 22
        engine.fill(entry)
        venue.obey(3)
        assert venue.stops() == [(2, PRICE + 62)]
        assert venue.targets() == [(2, PRICE + 22 - 80)]


@SIZES
async def test_nothing_that_is_pasted_or_typed_ahead_trades(size: tuple[int, int]) -> None:
    engine = HandsOn()
    cockpit = HandsOnCockpit(engine)
    app = cockpit.app
    async with running(cockpit, size) as pilot:

        async def burst(keys: tuple[str, ...]) -> None:
            for key in keys:
                await pilot.press(key)
            await cockpit.later(pilot)

        # The whole task at once: the ticket is open, and nothing was asked.
        await burst(("o", "enter", "y", "y", "enter"))
        assert isinstance(app.screen, TicketScreen)
        assert engine.sent == []
        app.screen.post_message(Paste("bs\ry\r"))
        await pilot.pause()
        assert isinstance(app.screen, TicketScreen)
        await cockpit.do(pilot, "escape")

        await _buy(engine, cockpit, pilot)
        sent = len(engine.sent)
        for task in (
            ("]", "]", "enter", "y"),
            ("[", "[", "enter", "y", "y"),
            ("u", "2", "5", "enter", "y"),
            ("R", "y", "enter", "y"),
            ("C", "y", "y", "enter"),
        ):
            await burst(task)
            cockpit.clock.now += 2
            for _ in range(3):
                await cockpit.later(pilot)
                if not isinstance(app.screen, MainScreen):
                    await cockpit.do(pilot, "escape")
            assert len(engine.sent) == sent, task
            assert isinstance(app.screen, MainScreen)


async def _buy(engine: HandsOn, cockpit: HandsOnCockpit, pilot: Pilot[object]) -> None:
    engine.venue.say(
        PlaceManual(id="first", instrument="MNQ", side=Side.BUY, qty=3, stop_ticks=40, target_ticks=(80,))
    )
    await cockpit.settle(pilot)


async def test_what_can_be_overridden_is_typed_and_what_cant_is_not() -> None:
    engine = HandsOn()
    cockpit = HandsOnCockpit(engine)
    app = cockpit.app
    async with running(cockpit, (80, 24)) as pilot:
        await cockpit.do(pilot, "o")
        assert isinstance(app.screen, TicketScreen)
        await cockpit.do(pilot, *("down",) * 4, "1")
        assert app.screen.ticket.target.mode is HowSaid.R
        assert "(type reward-to-risk in override)" in shown(cockpit)
        await cockpit.do(pilot, "enter")
        assert isinstance(app.screen, TicketScreen)
        await cockpit.do(pilot, "up", *("up",) * 4, *"reward-to-risk")
        assert "would be taken" in shown(cockpit)
        await cockpit.do(pilot, "enter")
        assert "OVERRIDES reward-to-risk" in str(app.screen.query_one("#words").render())
        await cockpit.do(pilot, "y")
        assert isinstance(engine.sent[0], PlaceManual)
        assert engine.sent[0].override == ("reward-to-risk",)


async def test_a_chart_that_comes_and_goes_fails_no_ticket(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the ticket reads of the market may be there at one look and gone at the next."""
    engine = HandsOn()
    cockpit = HandsOnCockpit(engine)
    chart = charts(CME_FUTURES["MNQ"])[Timeframe.M5]
    chance = random.Random(5)
    monkeypatch.setattr(engine, "chart", lambda *_: chart)
    async with running(cockpit, (120, 40)) as pilot:
        await cockpit.do(pilot, "o")
        monkeypatch.setattr(engine, "chart", lambda *_: chance.choice([chart, chart, None]))
        said = set()
        for _ in range(12):
            await cockpit.do(pilot, "b", "enter")
            if isinstance(cockpit.app.screen, ConfirmScreen):
                await cockpit.do(pilot, "n")
            said.add("range is not known" in shown(cockpit))
        assert said == {True, False}
        assert engine.sent == []
        assert isinstance(cockpit.app.screen, TicketScreen)


async def test_what_is_sent_is_what_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The market's range has changed since the engine answered: the stop of the question counts."""
    engine = HandsOn()
    cockpit = HandsOnCockpit(engine)
    calm = charts(CME_FUTURES["MNQ"])[Timeframe.M5]
    wild = replace(calm, bars=tuple(replace(bar, high=bar.high + 40) for bar in calm.bars))
    market = [calm]
    monkeypatch.setattr(engine, "chart", lambda *_: market[-1])
    monkeypatch.setattr("tui.previews.AGAIN_S", 1e9)
    async with running(cockpit, (120, 40)) as pilot:
        await cockpit.do(pilot, "o")
        market.append(wild)
        await cockpit.do(pilot, "enter")
        assert isinstance(cockpit.app.screen, ConfirmScreen)
        question = f"{cockpit.app.screen.query_one('#words', Static).content}"
        read = re.search(r"\((\d+) ticks\)", question)
        assert read is not None
        await cockpit.do(pilot, "y")
        [sent] = engine.sent
        assert isinstance(sent, PlaceManual)
        assert not sent.dry_run
        assert sent.stop_ticks == int(read[1])
