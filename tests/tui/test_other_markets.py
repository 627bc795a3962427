"""A coin beside futures: counted in coins, told by its own calendar's clock."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from engine.model.alerts import Verdict
from engine.model.chart import ChartView
from engine.model.events import AlertKind
from engine.model.market import MINUTE, NANOS, Bar, Side, Timeframe
from engine.model.rates import StatedRate
from engine.model.view import AlertFate, AlertView, FlattenStep, FlattenView, SessionPhase, SessionView, View
from tests.tui import fake, many
from tests.tui.charts import NOW
from tests.tui.cockpit import Cockpit, running
from tests.tui.test_actions import asked
from tui import clock_times as times
from tui.books import by_venue
from tui.other_questions import quit_confirmation
from tui.rows import market, pnl, positions
from tui.rows.bars.quote_strip import quote_strip_row
from tui.rows.bars.safety import safety_row
from tui.rows.bars.status import status_row
from tui.rows.books import book_state
from tui.rows.chart import candles
from tui.rows.room_messages import fate_text
from tui.rows.shared import together_rows
from tui.screen_state import ScreenState
from tui.styled_text import text_of, width_of

UTC_DAY = SessionView("2026-10-14", SessionPhase.OPEN, "14:42:17", "", "UTC", "UTC", "00:00", "")


def coins() -> View:
    """0.0137 BTC are held, with a stop, in a run that trades MNQ too."""
    view = fake.trading_view()
    btc = replace(
        view.contracts[0], instrument="BTC", name="BTC-PERP", lot_size=Decimal("0.0001"), calendar="always",
        position_qty=137, last=Decimal("64000.0"), tick_size=Decimal("0.1"), decimals=1, stale=False,
    )  # fmt: skip
    held = replace(
        view.positions[0], instrument="BTC", contract="BTC-PERP", qty=137, protected_qty=100,
        entry=Decimal(63900), stop=Decimal(63500), targets=(),
    )  # fmt: skip
    orders = tuple(replace(order, instrument="BTC", contract="", qty=137) for order in view.orders[:2])
    return replace(
        view, contracts=(btc, *view.contracts[:1]), positions=(held,), orders=orders,
        sessions={"cme": view.session, "always": UTC_DAY},
    )  # fmt: skip


def test_wherever_a_quantity_stands_it_is_in_coins() -> None:
    view = coins()
    state = ScreenState(view, "BTC")
    flattening = replace(view.books[0], flatten=FlattenView(("BTC",), FlattenStep.CLOSE))
    [quoted, _] = market.quote_rows(state, 100)[1]
    leaving = quit_confirmation(view, "")
    assert leaving is not None
    shown = {
        "quotes": text_of(quoted),
        "strip": text_of(quote_strip_row(state, 120)),
        "positions": text_of(positions.position_rows(state, 160)[1][0]),
        "flattening": text_of(safety_row(ScreenState(replace(view, books=(flattening,)), "BTC"), 200)),
        "break-even": "\n".join(asked("break-even", view, "BTC").lines),
        "flatten": "\n".join(asked("flatten", view, "BTC").lines),
        "quit": "\n".join(leaving.lines),
        "orders": "\n".join(map(text_of, positions.order_rows(state, 160)[1])),
        "detail": "\n".join(map(text_of, positions.folded_order_rows(state, 100))),
    }
    assert {name for name, text in shown.items() if "0.0137" not in text} == set()
    assert {name for name, text in shown.items() if "137" in text.replace("0.0137", "")} == set()
    assert "0.01/0.0137!" in shown["positions"]


def test_what_came_of_an_alert_is_in_coins_too() -> None:
    alert = AlertView("room", "1", 0, 0, AlertKind.POSTED, Verdict.TRADED, None, "", "", "BTC", Side.BUY)
    fate = AlertFate("paper", 137, entered=100)
    assert fate_text(alert, fate, Decimal("0.0001")) == "bought 0.01 of 0.0137"
    assert fate_text(alert, AlertFate("paper", 137), Decimal("0.0001")) == "entering 0.0137"
    assert fate_text(alert, AlertFate("paper", 3)) == "entering 3"


def test_the_clock_at_the_top_is_that_of_the_shown_contract() -> None:
    own = text_of(status_row(ScreenState(coins(), "BTC"), 220))
    assert "open 14:42:17 UTC" in own
    assert "flat by" not in own, "nothing ever has to be flat there"
    assert "RTH 09:42:17 CT" in text_of(status_row(ScreenState(coins(), "MNQ"), 220))


def test_money_of_another_kind_says_what_it_is() -> None:
    view = coins()
    btc, *rest = view.contracts
    mixed = replace(
        view, contracts=(replace(btc, currency="USDT"), *rest), positions=fake.trading_view().positions[:1]
    )
    both = replace(mixed, positions=(*mixed.positions, *view.positions))
    head, rows = positions.position_rows(ScreenState(both, "MNQ"), 160)
    assert "P&L USD" not in text_of(head)
    assert ["USDT" in text_of(row) for row in rows] == [False, True]
    assert "P&L USD" in text_of(positions.position_rows(ScreenState(view, "MNQ"), 160)[0])


def on_two_venues() -> View:
    """A coin on one venue between futures of another, in the order of the settings."""
    view = coins()
    btc, mnq = view.contracts
    es = replace(mnq, instrument="ES", name="ESZ6")
    contracts = (
        replace(mnq, source="practice"),
        replace(btc, source="binance"),
        replace(es, source="practice"),
    )
    links = tuple(replace(link, venue=venue) for venue in ("practice", "binance") for link in view.links)
    return replace(view, contracts=contracts, links=links)


def test_quotes_stand_below_the_venue_that_prices_them_with_the_clock_of_their_calendar() -> None:
    state = ScreenState(by_venue(on_two_venues()), "BTC")
    rows = [text_of(row).split() for row in market.quote_rows(state, 100)[1]]
    assert [row[0].lstrip("▸") for row in rows] == ["practice", "MNQZ6", "ESZ6", "binance", "BTC-PERP"]
    assert rows[0] == ["practice", "●", "RTH", "09:42", "CT"]
    assert rows[3] == ["binance", "●", "open", "14:42", "UTC"]
    names = [None if one is None else one.instrument for one in market.quote_things(state.view)]
    assert names == [None, "MNQ", "ES", None, "BTC"]
    strip = text_of(quote_strip_row(state, 160))
    assert strip.index("practice MNQ") < strip.index("ES") < strip.index("┃ binance BTC")
    assert width_of(quote_strip_row(state, 30)) <= 30


async def test_keys_and_clicks_go_through_contracts_as_they_stand_there() -> None:
    cockpit = Cockpit(on_two_venues())
    async with running(cockpit, (200, 60)) as pilot:
        seen = []
        for _ in range(3):
            seen.append(cockpit.app.main.instrument)
            await cockpit.press(pilot, "n")
        assert seen == ["MNQ", "ES", "BTC"]
        things = market.quote_things(cockpit.app.presenter.view)
        rows = ["" if one is None else one.instrument for one in things]
        await pilot.click("#quotes", offset=(5, 2 + rows.index("BTC")))
        await pilot.pause()
        assert cockpit.app.main.instrument == "BTC"
        await pilot.click("#quotes", offset=(5, 2 + rows.index("")))
        await pilot.pause()
        assert cockpit.app.main.instrument == "BTC", "a venue is no contract"


def several_currencies() -> View:
    view = fake.trading_view()
    (own,) = view.books
    other = replace(own, book="binance", venue="binance", currency="USDT", day_usd=Decimal(100))
    rate = StatedRate("USDT", Decimal("0.9998"), "BTCUSD / BTCUSDT", 3 * NANOS)
    return replace(view, books=(own, other), rates=(rate,))


def test_several_currencies_are_one_only_by_a_rate_that_is_told() -> None:
    view = several_currencies()
    [row] = together_rows(view, 120)
    assert text_of(row).split("together ")[1] == (
        "+284.18 USD  1 USDT = 0.9998 USD by BTCUSD / BTCUSDT, 3 s old"
    )
    for width in (34, 40, 60):
        assert max(map(width_of, together_rows(view, width))) <= width
    [row] = together_rows(replace(view, rates=()), 120)
    assert "284" not in text_of(row)
    assert "not summed: no rate of USDT" in text_of(row)
    assert together_rows(fake.trading_view(), 120) == []
    shown = " ".join(map(text_of, pnl.number_rows(ScreenState(view, "MNQ"), 70)))
    assert "+284.18 USD" in shown
    assert "by BTCUSD" in shown


async def test_times_are_told_in_the_zone_of_the_picture() -> None:
    view = replace(coins(), told_in="UTC", told_mark="UTC")
    cockpit = Cockpit(view)
    async with running(cockpit, (120, 40)) as pilot:
        shown = cockpit.pane("log").splitlines()
        assert shown[1] == "INFO+", "the clock at the top is UTC too"
        await cockpit.press(pilot, "n")
        assert cockpit.pane("log").splitlines()[1] == "INFO+ · UTC"
    locked = many.four_in_trouble()
    second = next(book for book in locked.books if book.restriction is not None)
    for zone, mark, when in (("America/Chicago", "CT", "17:00"), ("Asia/Tokyo", "JST", "Thu 07:00")):
        told = replace(locked, told_in=zone, told_mark=mark)
        assert text_of(book_state(told, second)) == f"■ LOCKED until {when} {mark}"


async def test_the_chart_follows_the_clock_of_its_contract_and_messages_stay_in_one_zone() -> None:
    cockpit = Cockpit(coins())
    async with running(cockpit, (120, 40)) as pilot:
        before = cockpit.pane("log").splitlines()
        assert before[1] == "INFO+ · CT", "the clock at the top is UTC"
        await cockpit.press(pilot, "n")
        assert "RTH 09:42:17 CT" in cockpit.line("status")
        after = cockpit.pane("log").splitlines()
        assert after[1] == "INFO+"
        assert after[2:] == before[2:]


def test_a_day_of_utc_begins_at_midnight_of_utc_on_the_chart() -> None:
    midnight = NOW - NOW % (24 * 60 * 60 * NANOS)
    bars = tuple(Bar("BTC", Timeframe.M30, midnight + i * 30 * MINUTE, 1, 3, 0, 2, 5) for i in range(-20, 20))
    contract = coins().contracts[0]
    chart = ChartView("BTC", Timeframe.M30, bars, None, ())
    day = times.trade_day(midnight, UTC_DAY)
    own = text_of(candles(chart, contract, [], 100, 20, 2, 0, UTC_DAY)[-1])
    futures = text_of(candles(chart, contract, [], 100, 20, 2)[-1])
    assert own.index(day) - futures.index(day) == 8, "the futures' day began four bars before"
    assert times.trade_day(midnight - NANOS, UTC_DAY) != day
