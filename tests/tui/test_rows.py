from __future__ import annotations

from decimal import Decimal
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.model.events import LinkState
from engine.model.market import MINUTE, USUAL
from engine.model.orders import AccountKind, Margin, OrderStatus
from engine.model.restrictions import TradingState
from engine.model.view import (
    Band,
    BookView,
    EquityPoint,
    EquityView,
    FlattenStep,
    FlattenView,
    LimitView,
    LinkView,
    View,
)
from tests.tui import fake
from tests.tui.charts import NOW
from tests.tui.states import changed, state_of, styles
from tui import clock_times as times
from tui.keymap import resolve_keys
from tui.layout import Shape
from tui.rows import links, market, pnl, positions
from tui.rows.bars import status
from tui.rows.bars.keys import key_row
from tui.rows.bars.quote_strip import quote_strip_row
from tui.rows.equity import curve_rows
from tui.rows.system import system_rows
from tui.screens.help import help_rows
from tui.styled_text import text_of, width_of
from tui.view_facts import day_usd, link_state


@pytest.mark.parametrize("kind", list(AccountKind))
@pytest.mark.parametrize("change", ["plain", "down", "flattening", "long reason", "empty"])
def test_badge_and_money_are_never_dropped(kind: AccountKind, change: str) -> None:
    view = fake.trading_view(kind)
    if change == "down":
        view = replace(view, health=replace(view.health, ok=False, detail="x" * 70))
    if change == "flattening":
        busy = replace(view.books[0], flatten=FlattenView(("MNQ", "MGC"), FlattenStep.CLOSE))
        view = replace(view, books=(busy,))
    if change == "long reason":
        halted = replace(view.books[0], **fake.held(TradingState.HALTED, "r" * 90))
        view = replace(view, books=(halted,))
    if change == "empty":
        view = replace(fake.empty_view(), mode=kind)
    for width in range(60, 240):
        row = status.status_row(state_of(view, readonly=True, slow_note="slow screen: 5 fps"), width)
        assert width_of(row) == width
        assert f" {kind.value.upper()} " in text_of(row)
        if change != "empty":
            assert "+184.20" in text_of(row)


def test_the_status_bar_says_what_is_known(view: View) -> None:
    text = text_of(status.status_row(state_of(view), 180))
    for words in ("MNQZ6 21034.25 ▲ +12.50", "0.1s", "practice venue ● live", "RTH 09:42:17 CT practice time",
                  "flat by 15:10", "● ACTIVE", "day +184.20 USD"):  # fmt: skip
        assert words in text


@pytest.mark.parametrize("width", [60, 80, 120, 180])
def test_a_recording_that_is_played_is_called_one_at_every_width(view: View, width: int) -> None:
    row = status.status_row(state_of(replace(view, replay="×20")), width)
    assert width_of(row) == width
    assert text_of(row).startswith(" REPLAY ")
    assert "PRACTICE" not in text_of(row)
    assert "practice time" not in text_of(row)
    if width == 180:
        assert " REPLAY  ×20" in text_of(row)
        assert "CT virtual time" in text_of(row)


def test_eighty_columns_still_have_price_age_link_clock_state_and_money(view: View) -> None:
    text = text_of(status.status_row(state_of(view), 80))
    for words in ("MNQ 21034.25 ▲12.50 0.1s", "● live", "09:42:17", "● ACTIVE", "day +184.20"):
        assert words in text


def test_a_stale_price_looks_stale_and_does_not_flash(view: View) -> None:
    contracts = tuple(replace(c, stale=True, age_ns=14 * 10**9) for c in view.contracts)
    row = status.status_row(state_of(replace(view, contracts=contracts), flashes={"MNQ": 2}), 160)
    assert styles(row)["21034.25"] == "stale"
    assert "stale 14s" in text_of(row)


@pytest.mark.parametrize(
    ("flash", "style"), [(2, "text bold on:flash-up"), (-2, "text bold on:flash-down"), (0, "text bold")]
)
def test_a_price_that_changed_flashes(view: View, flash: int, style: str) -> None:
    row = status.status_row(state_of(view, flashes={"MNQ": flash}), 160)
    assert styles(row)["21034.25"] == style


def test_the_worst_link_is_shown_by_name(view: View) -> None:
    links = (
        LinkView("market", LinkState.LIVE),
        LinkView("user", LinkState.DOWN),
        LinkView("rest", LinkState.STALE),
    )
    broken = replace(view, links=links)
    assert link_state(broken) is LinkState.DOWN
    assert "✕ user/rest down" in text_of(status.status_row(state_of(broken), 160))
    assert link_state(replace(view, links=())) is LinkState.CONNECTING


def test_the_day_is_that_of_all_books(view: View) -> None:
    bad = replace(view.books[0], book="two", day_usd=Decimal("-400"))
    assert day_usd(replace(view, books=(view.books[0], bad))) == Decimal("-215.80")


@pytest.mark.parametrize("width", [60, 80, 100, 119, 120, 140, 200])
def test_the_strip_fits_and_names_every_contract(view: View, width: int) -> None:
    row = quote_strip_row(state_of(view), width)
    assert width_of(row) <= width
    assert all(name in text_of(row) for name in ("MNQ", "NQ", "MES", "ES", "MGC", "GC"))


def test_of_the_strip_decimals_then_changes_go_before_a_position(view: View) -> None:
    held = changed(view, "MNQ", position_qty=2)
    texts = [text_of(quote_strip_row(state_of(held), width)) for width in range(140, 58, -1)]
    assert all(" +2" in text for text in texts)
    assert "▲12.50 +2" in texts[0]
    for sooner, later in (("▲12.50", "▲12.5 "), ("▲12.5 ", "▲12 "), ("▲12 ", "▲ +2")):
        assert texts.index(next(t for t in texts if sooner in t)) < texts.index(
            next(t for t in texts if later in t and sooner not in t)
        )


def test_an_unprotected_position_says_so(view: View) -> None:
    bare = replace(view.positions[0], stop=None, protected_qty=0)
    half = replace(view.positions[0], protected_qty=1)
    for width in range(46, 200, 7):
        for shown, words in ((bare, " NO STOP "), (half, " 1 NO STOP ")):
            (row,) = positions.position_rows(state_of(replace(view, positions=(shown,))), width)[1]
            assert words in text_of(row)
            assert styles(row)[words.strip()] == "ink on:error bold"
    assert "1/2!" in text_of(positions.position_rows(state_of(replace(view, positions=(half,))), 76)[1][0])
    named = positions.open_sums(state_of(replace(view, positions=(bare, *view.positions[1:]))), 80)
    assert "NO STOP: MNQ" in text_of(named)


def test_a_position_says_what_it_risks_and_has_made_of_it_before_the_prices_behind_that(view: View) -> None:
    head, rows = positions.position_rows(state_of(view), 116)
    titles = "book contract side entry mark P&L USD R risk USD stop held target ticks"
    assert " ".join(text_of(head).split()) == titles
    words = "practice MNQZ6 ▲ LONG 2 21028.50 21034.00 +22.00 +0.59 57.48 21020.00 0:47"
    assert " ".join(text_of(rows[0]).split()).startswith(words)
    narrow = [
        " ".join(text_of(positions.position_rows(state_of(view), width)[0]).split()) for width in (56, 44)
    ]
    assert narrow == ["contract side P&L USD R risk USD stop", "contract side P&L USD risk USD"]
    unknown = replace(view, positions=(replace(view.positions[0], r_now=None, risk_usd=None),))
    assert "—" in text_of(positions.position_rows(state_of(unknown), 116)[1][0])


def test_what_is_open_stands_beside_what_the_day_may_still_lose_of_its_own_kind_alone(view: View) -> None:
    def said(shown: View, width: int) -> str:
        return text_of(positions.open_sums(state_of(shown), width))

    loss = LimitView("daily loss", Decimal(200), Decimal(800), "USD", Band.CLEAR)
    own = replace(view.books[0], limits=(*view.books[0].limits, loss))
    limited = replace(view, books=(own,))
    assert said(limited, 80) == "open +31.00 · risk 94.10 of 600.00 the day may still lose"
    assert [said(limited, width) for width in (40, 30, 12)] == [
        "open +31.00 · risk 94.10 of 600.00", "open +31.00 · risk 94.10", "open +31.00"
    ]  # fmt: skip
    paper = replace(own, book="paper", kind=AccountKind.PAPER)
    other = replace(view.positions[0], book="paper", kind=AccountKind.PAPER)
    both = replace(limited, books=(own, paper), positions=(*view.positions, other))
    assert said(both, 90) == "open +31.00 PAPER +22.00 · risk 94.10 of 600.00 the day may still lose"
    assert "of" not in said(replace(limited, books=(replace(own, limits=()),)), 90)


def test_f64_what_is_held_in_an_old_month_stands_under_its_own_name(view: View) -> None:
    old = replace(view.positions[0], contract="MNQU2")
    assert "MNQU2" in text_of(positions.position_rows(state_of(replace(view, positions=(old,))), 76)[1][0])
    stop = replace(view.orders[0], contract="MNQU2")
    assert "MNQU2" in text_of(positions.order_rows(state_of(replace(view, orders=(stop,))), 76)[1][0])


def test_side_and_sign_need_no_colour(view: View) -> None:
    rows = [text_of(row) for row in positions.position_rows(state_of(view), 100)[1]]
    assert "▲ LONG  2" in rows[0]
    assert "▼ SHORT 1" in rows[1]
    assert "+22.00" in rows[0]


def test_a_position_that_is_being_flattened_is_not_called_flat(view: View) -> None:
    latched = replace(view.books[0], flatten=FlattenView(("MNQ",), FlattenStep.CLOSE))
    rows = [text_of(row) for row in positions.position_rows(state_of(replace(view, books=(latched,))), 76)[1]]
    assert ["▲ LONG 2→0" in row for row in rows] == [True, False]  # a hung venue may take minutes


def test_orders_stand_from_high_to_low_with_their_distance(view: View) -> None:
    rows = [text_of(row) for row in positions.order_rows(state_of(view), 90)[1]]
    assert ["21052.00" in rows[0], "21041.25" in rows[1], "21020.00" in rows[2]] == [True] * 3
    assert "+71" in rows[0]
    assert "−57" in rows[2]
    assert any("waits for entry" in row for row in rows)


@pytest.mark.parametrize("state", [OrderStatus.REJECTED, OrderStatus.UNKNOWN])
def test_an_order_in_trouble_stands_out(view: View, state: OrderStatus) -> None:
    broken = replace(view, orders=(replace(view.orders[0], status=state),))
    row = positions.order_rows(state_of(broken), 90)[1][0]
    assert [style for text, style in row if state.value in text] == ["error bold"]


def test_folded_orders_fit(view: View) -> None:
    rows = positions.folded_order_rows(state_of(view), 60)
    assert [width_of(row) for row in rows] == [60] * len(view.orders)


@settings(max_examples=40)
@given(st.integers(30, 200))
def test_tables_fit_every_width(width: int) -> None:
    state = state_of(fake.trading_view())
    for build in (positions.position_rows, positions.order_rows, positions.trade_rows, market.quote_rows):
        head, rows = build(state, width)
        if width >= 48:
            assert {width_of(row) for row in (head, *rows)} == {width}


def test_alignment_gives_direction_strength_weight_pattern_sum_verdict_and_reasons(view: View) -> None:
    text = "\n".join(text_of(row) for row in market.alignment_rows(state_of(view), 60, 14))
    for words in ("15m ▲", "30m •", "91 ×30 %", "S/R 21012.00 ×3", "7.4", "4 of 5 agree",
                  "long 2, taken at 09:41:30", "· reward to risk 2.1"):  # fmt: skip
        assert words in text


def test_money_of_one_and_of_several_books(view: View) -> None:
    text = "\n".join(text_of(row) for row in pnl.number_rows(state_of(view), 60))
    for words in ("realized +152.20", "open +32.00", "costs −12.02", "trades closed 6", "won 4 (67 %)",
                  "PF 2.31", "maxDD at mark −61.00", "balance 50,152.20"):  # fmt: skip
        assert words in text
    assert "margin" not in text
    margin = Margin(Decimal("4500"), Decimal("45652.2"))
    tied = state_of(replace(view, books=(replace(view.books[0], margin=margin),)))
    text = "\n".join(text_of(row) for row in pnl.number_rows(tied, 60))
    assert all(words in text for words in ("margin 4,500.00", "margin left 45,652.20"))
    live = replace(view.books[0], book="live", kind=AccountKind.LIVE, profit_factor=None, trades=0, wins=0)
    both = state_of(replace(view, books=(view.books[0], live)))
    two = "\n".join(text_of(row) for row in pnl.number_rows(both, 60))
    assert " PRACTICE  practice" in two
    assert " LIVE  live" in two
    assert "PF —" in two
    assert "won —" in two


def test_the_equity_of_several_books_is_their_sum_at_each_time(view: View) -> None:
    def book(day: int, *points: tuple[int, int]) -> BookView:
        curve = EquityView(tuple(EquityPoint(ts, Decimal(usd)) for ts, usd in points))
        return replace(view.books[0], day_usd=Decimal(day), curve=curve)

    two = replace(view, ts=9, books=(book(3, (1, 1), (4, 3)), book(20, (2, 10), (3, 20))))
    found = [(point.ts, int(point.usd)) for point in pnl.equity_curve(state_of(two))]
    assert found == [(1, 1), (2, 11), (3, 21), (4, 23), (9, 23)]
    assert pnl.extremes(state_of(two), pnl.equity_curve(state_of(two))) == (Decimal(23), Decimal(1))


def test_high_and_low_of_the_day_are_those_of_every_event(view: View) -> None:
    curve = replace(view.books[0].curve, high_usd=Decimal(500), low_usd=Decimal(-70))
    one = replace(view, books=(replace(view.books[0], curve=curve),))
    drawn = pnl.equity_curve(state_of(one))
    assert text_of(pnl.curve_head(state_of(one), drawn, 60)).split() == [
        "high", "+500.00", "low", "−70.00", "now", "+184.20",
    ]  # fmt: skip
    later = replace(one, books=(replace(one.books[0], day_usd=Decimal(600)),))
    assert text_of(pnl.curve_head(state_of(later), drawn, 60)).split() == [
        "high", "+600.00", "low", "−70.00", "now", "+600.00",
    ]  # fmt: skip


def test_system_shows_links_health_and_accounts(view: View) -> None:
    slow = replace(view, health=replace(view.health, wait_p99_ms=31.0, dropped=3))
    rows = system_rows(state_of(slow), 48)
    text = "\n".join(text_of(row) for row in rows)
    for words in ("31.0 ms p99", "dropped 3", "1,284 records", "48,210 prints", "zones and alignment",
                  "PRAC-V2-58112  verified · native OCO", "topstep_50k"):  # fmt: skip
        assert words in text
    assert {width_of(row) for row in rows} == {48}


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("shape", [Shape.SMALL, Shape.MEDIUM])
def test_the_key_line_fits_and_always_offers_help_and_quit(view: View, width: int, shape: Shape) -> None:
    row, places = key_row(state_of(view), resolve_keys(None), shape, width)
    text = text_of(row)
    assert width_of(row) == width
    assert {"flatten", "help", "quit"} <= {action for _, _, action in places}
    for start, end, action in places:
        assert text[start:end].startswith(resolve_keys(None).shown(action))


def test_an_alert_that_waits_takes_no_room_twice_in_the_footer(view: View) -> None:
    waiting, none = state_of(view), state_of(replace(view, notices=()))
    shown = [
        [action for _, _, action in key_row(state, resolve_keys(None), Shape.MEDIUM, 120)[1]]
        for state in (waiting, none)
    ]
    assert shown[0] == shown[1]


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_waiting_alerts_can_be_acknowledged_from_every_footer(view: View, width: int) -> None:
    _, places = key_row(state_of(view), resolve_keys(None), Shape.SMALL, width)
    assert "acknowledge" in {action for _, _, action in places}


def test_keys_that_trade_look_switched_off_when_they_are(view: View) -> None:
    row, _ = key_row(state_of(view, readonly=True), resolve_keys(None), Shape.MEDIUM, 120)
    assert styles(row)["f"] == "faint"
    assert styles(row)["n"] == "accent bold"


def test_in_help_a_gap_stands_behind_every_key(view: View) -> None:
    keys = resolve_keys({"pause": "ctrl+shift+f12"})
    texts = [text_of(row) for row in help_rows(state_of(view), keys, 118)]
    assert any(text.startswith("  escape back") for text in texts)
    assert any(text.startswith("  ^shift+f12 pause") for text in texts)


def test_how_a_command_stands_is_in_the_key_line(view: View) -> None:
    state = state_of(view, command_note="flatten MNQ: sent")
    row, _ = key_row(state, resolve_keys(None), Shape.SMALL, 80)
    assert text_of(row).rstrip().endswith("flatten MNQ: sent")
    assert width_of(row) == 80


def test_every_timeframe_has_a_row(view: View) -> None:
    rows = [text_of(row) for row in market.alignment_rows(state_of(view), 60, 14)]
    assert [row.split()[0] for row in rows[:5]] == [frame.value for frame in USUAL]


def test_a_young_curve_names_no_minute_twice() -> None:
    when = partial(times.hour_minute, zone="America/Chicago")
    for minutes, named in ((0, 1), (1, 2), (9, 3)):
        points = (EquityPoint(NOW, Decimal(0)), EquityPoint(NOW + minutes * MINUTE + 1, Decimal(5)))
        assert text_of(curve_rows(points, 60, 5, when)[-1]).count(":") == named


def test_prices_that_come_late_say_so_wherever_they_stand(view: View) -> None:
    late = replace(
        view,
        contracts=tuple(replace(one, delayed=True) for one in view.contracts),
        links=tuple(replace(one, delayed=one.name == "market") for one in view.links),
    )
    seen, plain = state_of(late), state_of(view)
    assert "DELAYED 0.1s" in text_of(status.status_row(seen, 180))
    assert " late " in text_of(quote_strip_row(seen, 200))
    assert "late 0.1s" in "\n".join(text_of(row) for row in market.quote_rows(seen, 120)[1])
    assert "● delayed" in "\n".join(text_of(row) for row in links.link_rows(late, 120))
    assert "market ● DELAYED" in text_of(links.links_part(late).variants[0][1])
    for row in (status.status_row(plain, 180), quote_strip_row(plain, 200)):
        assert "DELAYED" not in text_of(row)
        assert " late " not in text_of(row)
