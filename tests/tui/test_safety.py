"""The line that says whether one is safe, the limits, the connections, and the page about all of them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.model.events import LinkState
from engine.model.market import NANOS
from engine.model.restrictions import RestrictionEnd, TradingState
from engine.model.view import Band, BookView, FlattenStep, FlattenView, LimitView, LinkView, View
from tests.tui import fake, states
from tests.tui.charts import NOW
from tui import clock_times as times
from tui import number_format as figures
from tui.rows import limits, links, pnl
from tui.rows.bars.safety import safety_row
from tui.rows.system import system_rows
from tui.screen_state import ScreenState
from tui.styled_text import Row, text_of, width_of

ALL = {"normal": fake.trading_view, "empty": fake.empty_view, **states.STATES}


def state_of(view: View) -> ScreenState:
    return ScreenState(view, "MNQ")


def line(view: View, width: int) -> str:
    return text_of(safety_row(state_of(view), width))


def book_of(view: View, **changes: object) -> View:
    return replace(view, books=(replace(view.books[0], **changes),))


def loss(used: str, band: Band = Band.CLEAR, limit: str = "800") -> LimitView:
    return LimitView("daily loss", Decimal(used), Decimal(limit), "USD", band)


# --- the line --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
def test_the_line_fills_every_width_exactly(make: Callable[[], View]) -> None:
    state = state_of(make())
    for width in range(60, 241):
        assert width_of(safety_row(state, width)) == width


def test_a_calm_day_shows_limits_and_connections_in_eighty_columns() -> None:
    text = line(fake.trading_view(), 80)
    for words in ("MLL 7 % · 1,848 left", "entries 30 %", "market ●", "user ●", "rest ●", "token ● 21h"):
        assert words in text
    wide = line(fake.trading_view(), 120)
    for words in ("7 % · 1,848 USD left", "market ● 3m", "user ● 2h", "rest ● 12/160", "token ● 21h"):
        assert words in wide


def test_the_nearest_limit_is_there_at_every_width_whatever_else_happens() -> None:
    for name, make in states.STATES.items():
        least = "DLL" if name in ("near-limit", "reducing", "locked") else "MLL"
        for width in range(60, 241):
            assert f"{least} " in line(make(), width), (name, width)


@pytest.mark.parametrize("width", [80, 120, 200])
def test_a_lock_says_why_and_until_when(width: int) -> None:
    text = line(states.locked(), width)
    assert "■ LOCKED until 17:00 CT (in 7h 17m): daily loss limit reached" in text
    assert "DLL 96 % ACT" in text or "96 % ACT · 31" in text


def test_a_lock_over_the_weekend_names_the_day_and_one_without_an_end_says_so() -> None:
    lock = states.locked().books[0].restriction
    assert lock is not None
    far = book_of(states.locked(), restriction=replace(lock, until=states.UNLOCK + 4 * 24 * 3600 * NANOS))
    assert "until Sun 17:00 CT" in line(far, 120)
    endless = book_of(states.locked(), restriction=replace(lock, until=None, end=RestrictionEnd.SETTINGS))
    assert "with no end set" in line(endless, 120)


def test_even_a_long_reason_leaves_the_end_of_the_lock_readable() -> None:
    lock = states.locked().books[0].restriction
    assert lock is not None
    reason = "the venue has liquidated the account because " * 4
    long = book_of(states.locked(), restriction=replace(lock, reason=reason))
    for width in (60, 80, 120):
        assert "LOCKED until 17:00 CT" in line(long, width)


def test_halted_and_a_band_say_why() -> None:
    assert "■ HALTED by keyboard until a person lifts it" in line(states.halted(), 80)
    assert "⊘ NO ENTRIES: daily loss at 83 % of 800.00 USD" in line(states.reducing(), 80)


def test_a_flatten_says_which_step_and_what_is_open() -> None:
    text = line(states.flattening(), 80)
    assert "▼ FLATTENING · 2/4 close · open: MNQ +2 + 4 orders · 3s" in text


@pytest.mark.parametrize(
    ("step", "words"),
    zip(
        FlattenStep,
        ["1/4 cancel entries", "2/4 close", "3/4 cancel the rest", "4/4 ask the venue"],
        strict=True,
    ),
)
def test_a_flatten_says_its_step_and_of_several_books_that_of_the_last(step: FlattenStep, words: str) -> None:
    done = replace(fake.book(), book="two", flatten=FlattenView(("NQ",), FlattenStep.ASK_VENUE))
    behind = replace(fake.book(), flatten=FlattenView(("MNQ", "ES"), step))
    text = line(replace(fake.trading_view(), books=(done, behind)), 120)
    assert words in text
    assert "open: MNQ +2 + 5 orders" in text


def test_what_is_held_in_an_unlisted_contract_is_still_open() -> None:
    view = fake.trading_view()
    rolled = replace(view.positions[0], instrument="MNQU6")
    latched = FlattenView(("MNQU6",), FlattenStep.CLOSE)
    text = line(book_of(replace(view, positions=(rolled,), orders=()), flatten=latched), 120)
    assert "open: MNQU6 +2" in text


def test_an_escalated_flatten_is_loud_and_keeps_reason_and_rest_at_eighty_columns() -> None:
    row = safety_row(state_of(states.escalated()), 80)
    assert "close of MNQ refused" in text_of(row)
    assert "open: MNQ +2" in text_of(row)
    assert [style for text, style in row if "FLATTENING" in text] == ["ink on:error bold"]
    calm = safety_row(state_of(states.flattening()), 80)
    assert [style for text, style in calm if "FLATTENING" in text] == ["ink on:warn bold"]


def test_where_there_is_little_room_a_refused_close_is_not_followed_by_half_a_word() -> None:
    why = "close of MNQ refused: close: order rejected (Trading is currently unavailable)"
    view = states.flattening(why, 48)
    for width in range(80, 121):
        text = line(view, width)
        assert "close of MNQ refused ·" in text
        assert "open: MNQ +2" in text
    assert "order rejected (Trading is" in line(view, 200)


def test_what_is_down_is_named_before_what_is_only_stale() -> None:
    whole = "NO ENTRIES: prices 14 s old · stops stay at the venue"
    assert whole in line(states.cut_off(), 80)
    text = line(states.cut_off(), 150)
    assert text.index("user ✕ DOWN 95s") < text.index("market ◐ STALE 14s") < text.index("token ● 48m")
    assert "NO ENTRIES: prices 14 s old" in line(states.cut_off(), 60)
    assert "own OCO" in line(states.cut_off(), 170)
    assert "own OCO" not in line(fake.trading_view(), 200)


def test_words_from_outside_stay_words() -> None:
    nasty = "[red]x[/] \x1b[2J\u202e"
    view = book_of(states.locked(), **fake.held(TradingState.LOCKED, nasty))
    view = replace(view, links=(LinkView(nasty, LinkState.DOWN, nasty, NOW),))
    told = states.flattening(nasty)
    for made in (line(view, 200), line(told, 200), *map(text_of, system_rows(state_of(view), 100))):
        assert "\x1b" not in made
        assert "\u202e" not in made
    assert "[red]x[/] ·[2J" in line(view, 200)


def test_without_limits_one_is_told() -> None:
    assert "no limit is set" in line(book_of(fake.trading_view(), limits=()), 120)
    rows = pnl.book_limit_rows(state_of(book_of(fake.trading_view(), limits=())), 44, 3)
    assert [text_of(row).strip() for row in rows] == ["no limit is set"]


# --- limits ----------------------------------------------------------------------------------------------


@given(
    used=st.decimals(-500, 5_000, places=2), limit=st.integers(1, 4_500), band=st.sampled_from(list(Band)),
    width=st.integers(1, 40),
)  # fmt: skip
def test_a_meter_fills_with_what_is_used(used: Decimal, limit: int, band: Band, width: int) -> None:
    found = LimitView("daily loss", used, Decimal(limit), "USD", band)
    row = limits.meter(found, width)
    assert width_of(row) == width
    (filled, _), (empty, _) = row
    assert (filled == "━" * width) is (used >= limit)
    assert bool(filled) is (used > 0)
    assert set(empty) <= {"─"}, "without colour too an empty bar looks empty"


def test_used_is_rounded_up_left_and_percent_down() -> None:
    found = loss("495.01", Band.WARN)
    assert (limits.used_of(found), limits.left_of(found)) == ("496/800", "304")
    assert limits.percent(loss("759.99")) == "94 %"
    assert limits.percent(loss("12000", Band.ACT)) == "999 %"
    assert limits.percent(loss("-30")) == "0 %"
    size = LimitView("size", Decimal("0.30"), Decimal(2), "minis", Band.CLEAR)
    assert (limits.used_of(size), limits.left_of(size)) == ("0.3/2", "1.7")
    assert limits.used_of(loss("1204.35", limit="2000")) == "1,205/2,000"


@pytest.mark.parametrize("band", list(Band))
def test_a_band_is_a_colour_and_a_word(band: Band) -> None:
    row = limits.limit_rows([loss("600", band)], 60, 1)[0]
    styles = {style for text, style in row if text.strip() == "75 %"}
    assert len(styles) == 1
    if band is not Band.CLEAR:
        assert limits.BAND_WORDS[band] in text_of(row)
        assert f" {limits.BAND_WORDS[band]} ·" in text_of(limits.short_row(loss("600", band)))


@settings(max_examples=60)
@given(width=st.integers(30, 140), most=st.integers(1, 8))
def test_limit_rows_fit_and_cut_no_number(width: int, most: int) -> None:
    found = states.near_limit().books[0].limits
    rows = limits.limit_rows(found, width, most)
    assert len(rows) == min(most, len(found))
    assert {width_of(row) for row in rows} == {width}
    for limit, row in zip(found, rows, strict=False):
        assert limits.used_of(limit) in text_of(row)
        if width >= 34:
            assert limits.percent(limit) in text_of(row)


def test_columns_of_limits_stand_below_each_other() -> None:
    found = states.near_limit().books[0].limits
    rows = [text_of(row) for row in limits.limit_rows(found, 60, 5)]
    assert len({row.index("%") for row in rows}) == 1
    amounts = [limits.used_of(limit) for limit in found]
    assert len({row.index(text) + len(text) for row, text in zip(rows, amounts, strict=True)}) == 1


def test_a_full_position_does_not_hide_what_may_still_be_lost() -> None:
    size = LimitView("size", Decimal(2), Decimal(2), "minis", Band.REDUCE)
    view = book_of(fake.trading_view(), limits=(size, loss("200")))
    text = line(view, 80)
    assert text.index("DLL 25 % · 600 left") < text.index("size 100 % REDUCE")


def test_of_several_books_the_most_endangered_one_is_named() -> None:
    one = replace(fake.book(), book="fifty", limits=(loss("100"),))
    two = replace(fake.book(), book="hundred", limits=(loss("400", Band.WARN), loss("1")))
    view = replace(fake.trading_view(), books=(one, two))
    assert "hundred DLL" in line(view, 120)
    assert "50 % WARN" in line(view, 120)
    rows = [text_of(row) for row in pnl.book_limit_rows(state_of(view), 50, 6)]
    assert [row.strip() for row in rows if "limits of" in row] == ["limits of fifty", "limits of hundred"]


def test_a_limit_of_nothing_is_all_used_up() -> None:
    assert limits.share(LimitView("trades", Decimal(0), Decimal(0), "trades", Band.REDUCE)) == 1.0


# --- connections -----------------------------------------------------------------------------------------


def links_of(*found: LinkView) -> View:
    return replace(fake.trading_view(), links=found)


def rows_text(rows: list[Row]) -> str:
    return "\n".join(text_of(row) for row in rows)


def test_the_table_of_links_has_state_age_end_and_detail() -> None:
    text = rows_text(links.link_rows(states.cut_off(), 100))
    for words in ("◐ stale", "14s", "09:42:03", "no message for 14 s", "✕ down", "95s", "again in 8 s",
                  "ends 10:30 (48m)", "renewal failed twice", "131/160"):  # fmt: skip
        assert words in text
    narrow = rows_text(links.link_rows(fake.trading_view(), 48))
    assert "ends Thu 07:30 (21h)" in narrow


def test_a_login_that_has_ended_or_will_soon_looks_so() -> None:
    now = NOW
    for until, words in ((now - 1, "expired"), (now + 3_599 * NANOS, "59m"), (now + 7_200 * NANOS, "2h")):
        view = links_of(LinkView("token", LinkState.LIVE, "", now - 60 * NANOS, until))
        row = safety_row(state_of(view), 120)
        (style,) = [style for text, style in row if text.strip() == words]
        assert style == {"expired": "error bold", "59m": "warn bold", "2h": "dim"}[words]
    assert "expired" in rows_text(
        links.link_rows(links_of(LinkView("token", LinkState.LIVE, "", 0, now)), 60)
    )


def test_an_unknown_age_is_not_made_up() -> None:
    view = links_of(LinkView("market", LinkState.CONNECTING))
    assert line(view, 120).rstrip().endswith("market ◌ CONNECTING")
    assert "—" in rows_text(links.link_rows(view, 80))


def test_links_stand_in_their_order_and_a_budget_is_short() -> None:
    rest = LinkView(
        "rest",
        LinkState.LIVE,
        "5 of 160 requests in 60 s, 0 of 40 of history in 30 s",
        1,
        used=5,
        allowed=160,
    )
    view = links_of(LinkView("token", LinkState.LIVE), LinkView("user", LinkState.LIVE), rest,
                    LinkView("discord", LinkState.LIVE), LinkView("market", LinkState.LIVE))  # fmt: skip
    text = line(view, 160)
    assert "rest ● 5/160" in text
    places = [text.index(name) for name in ("market", "user", "rest", "token", "discord")]
    assert places == sorted(places)
    assert "5 of 160 requests in 60 s" in rows_text(links.link_rows(view, 120))


def test_no_connection_is_said() -> None:
    assert "no connection yet" in line(links_of(), 80)
    assert "no connection yet" in rows_text(links.link_rows(links_of(), 80))


# --- the page --------------------------------------------------------------------------------------------


def test_the_system_page_counts_oddities_that_happened() -> None:
    text = rows_text(system_rows(state_of(states.cut_off()), 100))
    assert "oddities   31 late prints · 17 reconnects · 4 duplicate fills · 1 anomalies" in text
    assert "overfills" not in text
    assert "own OCO" in text
    quiet = replace(fake.trading_view(), health=replace(fake.trading_view().health, counts={}))
    assert "oddities   none" in rows_text(system_rows(state_of(quiet), 100))


@pytest.mark.parametrize("width", [44, 48, 76, 116, 196])
def test_the_system_page_fits(width: int) -> None:
    for make in ALL.values():
        assert {width_of(row) for row in system_rows(state_of(make()), width)} == {width}


def test_the_system_page_tells_of_locks_and_of_a_flatten_that_is_stuck() -> None:
    text = rows_text(system_rows(state_of(states.locked()), 76))
    assert "LOCKED daily loss limit reached, unlocks 17:00 CT" in text
    assert "close of MNQ refused" in rows_text(system_rows(state_of(states.escalated()), 100))


# --- figures ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (99.9, "99s"), (100, "1m"), (5_999, "99m"), (6_000, "1h"), (172_799, "47h"), (172_800, "2d"),
     (1e9, "99d"), (-5, "0s")],
)  # fmt: skip
def test_how_long_in_three_characters(seconds: float, text: str) -> None:
    assert figures.lasting(int(seconds * NANOS)) == text
    assert len(text) <= 3


def test_times_of_other_days_carry_their_weekday() -> None:
    assert times.when(states.UNLOCK, NOW, "America/Chicago") == "17:00"
    assert times.when(NOW + 24 * 3600 * NANOS, NOW, "America/Chicago") == "Thu 09:42"
    assert times.when(states.UNLOCK, NOW, "Asia/Tokyo") == "Thu 07:00"


def test_a_state_is_never_shown_where_there_is_no_account() -> None:
    halted: BookView = replace(fake.book(), **fake.held(TradingState.HALTED, ""))
    assert "HALTED" in line(replace(fake.trading_view(), books=(halted,)), 80)
    assert "HALTED" not in line(fake.empty_view(), 80)
