"""A coin beside futures: counted in coins, told by its own calendar's clock."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from engine.model.alerts import Verdict
from engine.model.chart import ChartView
from engine.model.events import AlertKind
from engine.model.market import MINUTE, NANOS, Bar, Side, Timeframe
from engine.model.view import AlertFate, AlertView, FlattenStep, FlattenView, SessionPhase, SessionView, View
from tests.tui import fake
from tests.tui.charts import NOW
from tests.tui.cockpit import Cockpit, running
from tests.tui.test_actions import asked
from tui import clock_times as times
from tui.confirmations import quit_confirmation
from tui.rows import market, positions
from tui.rows.bars.quote_strip import quote_strip_row
from tui.rows.bars.safety import safety_row
from tui.rows.bars.status import status_row
from tui.rows.chart import candles
from tui.rows.room_messages import fate_text
from tui.screen_state import ScreenState
from tui.styled_text import text_of

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
