"""Several books on one screen: which of them a command means, what each is, what may be added up."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.model.commands import Flatten, Halt, Pause, Resume
from engine.model.events import LinkState
from engine.model.orders import AccountKind, AccountStage, Margin
from engine.model.restrictions import RestrictionEnd, RestrictionView, TradingState
from engine.model.view import BacktestView, BotView, LinkView, View
from tests.tui import fake, many
from tests.tui.cockpit import Cockpit, grid_text, running
from tests.tui.test_actions import asked, trade_of
from tui import number_format as figures
from tui.actions import ACTIONS, blocked
from tui.books import at_risk, of_book, totals
from tui.rows import links, messages, positions
from tui.rows.bars.quote_strip import quote_strip_row
from tui.rows.bars.safety import safety_row
from tui.rows.bars.status import status_row
from tui.rows.books import book_rows, book_strip_row, bot_rows, total_row
from tui.rows.pnl import number_rows
from tui.rows.state import state_words
from tui.screen_state import ScreenState
from tui.screens.confirm import ConfirmScreen
from tui.styled_text import text_of, width_of
from tui.view_facts import standing
from tui.widgets.grid import LiveGrid

NAMES = [name for name, *_ in many.FOUR]


def paused(view: View, *books: str) -> View:
    held = fake.held(TradingState.REDUCING, "paused by keyboard", RestrictionEnd.RESUME)
    return replace(view, books=tuple(replace(b, **held) if b.book in books else b for b in view.books))


# --- the key ---------------------------------------------------------------------------------------------


async def test_a_book_is_picked_and_only_it_is_flattened() -> None:
    cockpit = Cockpit(many.four_books())
    async with running(cockpit) as pilot:
        assert "▸all" in cockpit.line("status")
        await cockpit.press(pilot, "B", "B")
        assert "▸ topstep-eval2 LIVE" in cockpit.line("status")
        assert "topstep-eval1" not in cockpit.pane("positions")
        assert "topstep-eval2 LIVE" in cockpit.pane("positions"), "a pane says whose it is"
        await cockpit.press(pilot, "F")
        screen = cockpit.app.screen
        assert isinstance(screen, ConfirmScreen)
        words = str(screen.query_one("#words").render())
        assert "LIVE topstep-eval2: sell 2 MNQ at market, cancel 3 orders" in words
        assert "eval1" not in words
        await cockpit.press(pilot, "y")
        assert cockpit.engine.sent == [Flatten(id="ui-1", book="topstep-eval2")]
        await cockpit.press(pilot, "B", "B", "B", "F", "y")
        assert cockpit.engine.sent[1:] == [Flatten(id="ui-2")], "after the last book come all"


async def test_the_question_keeps_its_book_and_tells_what_it_holds_now() -> None:
    view = many.four_books()
    cockpit = Cockpit(view)
    async with running(cockpit) as pilot:
        await cockpit.press(pilot, "B", "f")
        cockpit.app.presenter.choice.book = "paper"
        grown = replace(view.positions[0], qty=5, protected_qty=5)
        cockpit.engine.show(replace(view, positions=(grown, *view.positions[1:])))
        await cockpit.later(pilot)
        words = str(cockpit.app.screen.query_one("#words").render())
        assert "LIVE topstep-eval1: sell 5 MNQ" in words
        await cockpit.press(pilot, "y")
        assert cockpit.engine.sent == [Flatten(id="ui-1", instrument="MNQ", book="topstep-eval1")]


async def test_keys_typed_ahead_pick_and_ask_but_never_answer() -> None:
    cockpit = Cockpit(many.four_books())
    async with running(cockpit) as pilot:
        for key in ("B", "F", "y", "y"):  # all at the same moment
            await pilot.press(key)
        assert cockpit.engine.sent == []


async def test_a_book_is_picked_from_the_list_by_a_click_and_by_its_number() -> None:
    cockpit = Cockpit(many.four_books())
    async with running(cockpit) as pilot:
        await cockpit.press(pilot, "w", "4")
        assert "▸ paper PAPER" in cockpit.line("status")
        assert "LIVE" in cockpit.line("status"), "the run's badge stays as loud"
        pane = cockpit.app.main.pane("books")
        thing = next(one for one in pane.content.things if one is not None and one.book == "practice")
        pane.post_message(LiveGrid.RowPicked(pane, thing, twice=False))
        await cockpit.later(pilot)
        assert "▸ practice PRACTICE" in cockpit.line("status")
        pane.post_message(LiveGrid.RowPicked(pane, thing, twice=False))
        await cockpit.later(pilot)
        assert "▸all" in cockpit.line("status")
        await cockpit.press(pilot, "s")
        assert cockpit.app.focused is pane


async def test_one_book_has_none_of_it() -> None:
    cockpit = Cockpit()
    async with running(cockpit) as pilot:
        await cockpit.press(pilot, "B", "w", "s", "F", "y")
        assert cockpit.engine.sent == [Flatten(id="ui-1")]
        assert "▸" not in cockpit.line("status")
        assert not cockpit.app.main.pane("books").display


def test_a_picked_book_that_is_away_is_never_quietly_all() -> None:
    view = many.four_books()
    for action in ACTIONS.values():
        if action.trade is not None:
            assert "gone is not here" in blocked(action, view, "MNQ", readonly=False, book="gone")
    assert "not here" in text_of(status_row(ScreenState(view, "MNQ", "gone"), 200))


# --- what a key means ------------------------------------------------------------------------------------


def test_a_pause_lifts_only_where_every_book_that_is_meant_is_paused() -> None:
    view = many.four_books()
    one = paused(view, "paper")
    assert trade_of("pause", one).command == Pause(id="ui-1")
    assert trade_of("pause", one, book="paper").command == Resume(id="ui-1", book="paper")
    assert trade_of("pause", one, book="practice").command == Pause(id="ui-1", book="practice")
    assert trade_of("pause", paused(view, *NAMES)).command == Resume(id="ui-1")
    here = RestrictionView(
        TradingState.REDUCING, "paused by cli", RestrictionEnd.RESUME, book="paper", instrument="MNQ"
    )
    narrow = replace(view, restrictions=(here,))
    assert trade_of("pause-contract", narrow).command == Pause(id="ui-1", instrument="MNQ")
    resume = Resume(id="ui-1", instrument="MNQ", book="paper")
    assert trade_of("pause-contract", narrow, book="paper").command == resume


def test_a_lock_of_one_book_keeps_nobody_from_pausing_the_others() -> None:
    view, pause = many.four_in_trouble(), ACTIONS["pause"]
    assert blocked(pause, view, "MNQ", readonly=False) == ""
    assert "only time ends it" in blocked(pause, view, "MNQ", readonly=False, book="topstep-eval2")
    assert trade_of("halt", view, book="paper").command == Halt(id="ui-1", book="paper")


def test_ten_books_are_told_together_each_kind_by_itself() -> None:
    what = asked("flatten-all", many.ten_books())
    assert what.title == "Flatten everything in all 10 books"
    live, practice, paper, last = what.lines
    assert live.startswith("LIVE fund-0, fund-1, fund-2, fund-3, fund-4, fund-5: sell 12 MNQ, buy 1 MGC")
    assert "cancel 22 orders · 381.50 USD at risk" in live
    assert practice.startswith("PRACTICE fund-6, fund-7: sell 4 MNQ")
    assert paper.startswith("PAPER fund-8, fund-9: sell 4 MNQ")
    assert last == "entries of every book stay paused"
    assert what.serious
    assert not asked("flatten-all", many.ten_books(), book="fund-9").serious


def test_risk_is_from_the_mark_to_the_stop_and_a_bare_position_is_named() -> None:
    view = many.four_books()
    bare = replace(view.positions[0], protected_qty=1)
    assert at_risk(view, view.positions[:2]) == ({"USD": Decimal("57.48") + Decimal("36.62")}, [])
    assert at_risk(view, (bare,)) == ({}, ["MNQ"])


# --- sums ------------------------------------------------------------------------------------------------

_BOOKS = st.lists(
    st.tuples(st.sampled_from(AccountKind), st.sampled_from(["USD", "EUR"]), st.integers(-999, 999)),
    min_size=1,
    max_size=6,
)


@given(_BOOKS)
@settings(max_examples=60)
def test_no_sum_mixes_kinds_or_currencies(drawn: list[tuple[AccountKind, str, int]]) -> None:
    base = fake.book()
    books = tuple(
        replace(base, book=f"b{i}", kind=kind, currency=currency, day_usd=Decimal(day))
        for i, (kind, currency, day) in enumerate(drawn)
    )
    strictest = AccountKind.LIVE if any(b.kind is AccountKind.LIVE for b in books) else AccountKind.PRACTICE
    view = replace(fake.trading_view(), books=books, mode=strictest)
    for total in totals(books):
        assert {(b.kind, b.currency) for b in total.books} == {(total.kind, total.currency)}
    assert sorted(b.book for t in totals(books) for b in t.books) == sorted(b.book for b in books)
    said = text_of(total_row(view))
    for kind in AccountKind:
        for currency in ("USD", "EUR"):
            own = [Decimal(day) for k, c, day in drawn if (k, c) == (kind, currency)]
            amount = figures.signed(sum(own, Decimal(0)))
            assert (f"{len(own)} {kind.value.upper()} {amount} {currency}" in said) is bool(own)
    whole = text_of(status_row(ScreenState(view, "MNQ"), 400))
    for total in totals(books)[1:]:
        assert total.kind is strictest or total.kind.value.upper() in whole
    assert len(number_rows(ScreenState(view, "MNQ"), 80)) >= len(totals(books))


# --- the rows --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [many.four_books, many.four_in_trouble, many.ten_books])
def test_every_line_fills_every_width_and_names_the_pick(make: object) -> None:
    view = make() if callable(make) else many.four_books()
    for picked in ("", view.books[-1].book):
        state = ScreenState(view, "MNQ", picked)
        for width in range(60, 241, 3):
            for row in (status_row(state, width), safety_row(state, width)):
                assert width_of(row) == width
            assert width_of(book_strip_row(state, width)) <= width
            for row in (book_strip_row(state, width), status_row(state, width)):
                assert f"▸{picked[:5] or 'all'}" in re.sub(r"▸ ?(PAPER )?", "▸", text_of(row))
            head, rows = book_rows(state, width - 4)
            assert {width_of(row) for row in (head, *rows)} == {width - 4}


def test_the_worst_state_is_named_with_its_book_and_an_outage_with_who_is_blind() -> None:
    ill = many.four_in_trouble()
    line = state_words(ill, standing(ill)).line()
    assert line.startswith("LOCKED 1/2 until 17:00 CT (in 7h 17m): topstep-eval2: daily loss limit reached")
    assert "topstep market down: blind topstep-eval1, topstep-eval2, MNQ" in line
    _, rows = book_rows(ScreenState(many.four_in_trouble(), "MNQ"), 160)
    first, second, third, paper = map(text_of, rows)
    assert "NO ENTRIES: market down" in first
    assert "■ LOCKED until 17:00 CT" in second
    assert "DLL 96 % ACT" in second
    assert "×2" in second
    assert "● ACTIVE" in third, "the other venue trades on"
    assert "×0.5" in paper
    alone = replace(many.four_in_trouble(), books=many.four_books().books)
    assert standing(replace(alone, mode=AccountKind.PRACTICE)).word == "ACTIVE"


def test_a_picked_book_has_its_own_contracts_pauses_and_quantities() -> None:
    view = many.four_books()
    held = RestrictionView(
        TradingState.REDUCING, "paused by cli", RestrictionEnd.RESUME, book="paper", instrument="MNQ"
    )
    contracts = (replace(view.contracts[0], state=TradingState.REDUCING, lot_size=Decimal("0.001")),)
    view = replace(view, restrictions=(held,), contracts=contracts)
    assert of_book(view, "practice").contracts[0].state is TradingState.ACTIVE
    assert of_book(view, "paper").contracts[0].state is TradingState.REDUCING
    assert "+0.002" in text_of(quote_strip_row(ScreenState(view, "MNQ", "practice").own, 120))
    assert "sell 0.002 MNQ at market" in asked("flatten", view, book="paper").lines[0]


async def test_bots_stand_on_the_page_about_everything() -> None:
    cockpit = Cockpit(many.four_in_trouble())
    async with running(cockpit, (120, 40)) as pilot:
        await cockpit.press(pilot, "9", "z")
        text = grid_text(cockpit.app.main.pane("system"))
        assert "zones-fast" in text
        assert "out: failed, see the log" in text


def test_bots_that_a_backtest_speaks_for_stand_beside_it() -> None:
    good = BacktestView(60, 0.62, 0.41, 12, 7, 0.38, 1.2, 0.9)
    bad = BacktestView(80, 0.55, 0.3, 40, 8, -0.35, 0.1, 0.012, behind=True)
    bots = (
        BotView("scan-5m-x", "edge", mode="signals", backtest=good),
        BotView("scan-2m-y", "edge", mode="signals", stopped="its backtest: 40 trades", backtest=bad),
        BotView("scan-2m-z", "edge", mode="signals", backtest=BacktestView(50, 0.5, 0.2)),
    )
    head, *rows = bot_rows(replace(many.four_books(), bots=bots), 120)
    assert text_of(head).split() == ["bot", "plans", "day", "strategy", "live", "backtest", "band", "state"]
    assert "12 × +0.38 R" in text_of(rows[0])
    assert "+0.41 R within signals only" in " ".join(text_of(rows[0]).split())
    assert "40 × −0.35 R +0.30 R below stopped by its backtest: 40 trades" in " ".join(
        text_of(rows[1]).split()
    )
    assert " — +0.20 R — signals only" in " ".join(text_of(rows[2]).split())
    assert len(bot_rows(replace(many.four_books(), bots=bots[:1]), 80)) == 2


def test_what_accounts_are_about_stands_at_each_and_at_the_top_where_it_is_true_of_all() -> None:
    view = many.four_books()
    first, second, *rest = view.books
    books = (replace(first, stage=AccountStage.EVAL), replace(second, stage=AccountStage.FUNDED), *rest)
    _, rows = book_rows(ScreenState(replace(view, books=books), "MNQ"), 200)
    words = [" ".join(text_of(row).replace("▸", "").split()[1:3]) for row in rows]
    assert words[:2] == ["LIVE EVAL", "LIVE FUNDED"]
    assert [word.split()[0] for word in words[2:]] == ["PRACTICE", "PAPER"]
    mixed = ScreenState(replace(view, books=books), "MNQ", second.book)
    assert text_of(status_row(mixed, 200)).startswith(f" LIVE  │ ▸ {second.book} LIVE FUNDED ")
    alike = replace(view, books=(books[0], replace(second, stage=AccountStage.EVAL), *rest))
    assert text_of(status_row(ScreenState(alike, "MNQ"), 200)).startswith(" LIVE EVAL ")
    assert text_of(status_row(ScreenState(alike, "MNQ"), 60)).startswith(" LIVE ")


def test_of_two_accounts_the_one_whose_own_connection_is_down_is_named_and_the_other_trades() -> None:
    view = many.four_books()
    shared = [link for link in view.links if link.name != "user"]
    own = [
        replace(link, book=book)
        for link in view.links
        if link.name == "user" and link.venue == "topstep"
        for book in NAMES[:2]
    ]
    well = replace(view, links=(*shared, *own))
    assert "2 user ●" in text_of(links.links_part(one_venue(well)).variants[0][1])
    down = replace(own[1], state=LinkState.DOWN)
    for ill in (replace(well, links=(*shared, own[0], down)), one_venue(well, down)):
        at = standing(ill)
        assert at.word == "ACTIVE"
        assert "topstep-eval2: user down" in state_words(ill, at).notes
        assert "topstep-eval2 user ✕ DOWN" in text_of(links.links_part(ill).variants[0][1])
        _, rows = book_rows(ScreenState(ill, "MNQ"), 200)
        assert ["user down" in text_of(row) for row in rows] == [False, True, False, False]
        assert "topstep-eval2" in text_of(status_row(ScreenState(ill, "MNQ"), 220))
        both = replace(ill, links=(*ill.links, replace(down, book="topstep-eval1")))
        assert standing(both).word == "NO ENTRIES"


def one_venue(view: View, down: LinkView | None = None) -> View:
    """The same where only one venue has connections; one of an account is down."""
    kept = (k for k in view.links if k.venue == "topstep")
    return replace(view, links=tuple(down if down and k.book == down.book else k for k in kept))


def test_a_connection_of_one_account_is_not_blamed_on_the_next() -> None:
    view = many.four_books()
    down = LinkView("user", LinkState.DOWN, "refused", book="topstep-eval2")
    view = replace(view, links=(replace(view.links[0], venue=""), down))
    _, rows = book_rows(ScreenState(view, "MNQ"), 200)
    assert ["user down" in text_of(row) for row in rows] == [False, True, False, False]


def test_names_of_one_family_stay_apart_where_they_are_cut() -> None:
    assert figures.shortened("topstep-eval1", 10) == "tops…eval1"
    assert figures.shortened("eval1", 10) == "eval1"
    view = many.four_books()
    for width in range(60, 200, 7):
        strip = text_of(book_strip_row(ScreenState(view, "MNQ"), width))
        assert ("al1" in strip and "al2" in strip) or "4 books" in strip
    locked = text_of(safety_row(ScreenState(many.four_in_trouble(), "MNQ"), 76))
    assert "LOCKED 1/2 until 17:00 CT: topst…-eval2" in locked
    orders = [text_of(row) for row in positions.folded_order_rows(ScreenState(view, "MNQ"), 80)]
    assert {"tops…eval1", "tops…eval2"} <= {order.split()[0] for order in orders}


def test_what_was_said_of_one_account_of_several_names_it() -> None:
    said = fake.trading_view().notices
    view = many.four_books()
    told = [
        replace(notice, book=book) for notice, book in zip(said, ("topstep-eval2", "paper"), strict=False)
    ]
    own = "\n".join(text_of(row) for row in messages.alert_rows(ScreenState(view, "MNQ", notices=told), 100))
    assert own.count("topstep-eval2 ") == 1
    assert "PAPER paper" not in own, "there is one"
    picked = ScreenState(view, "MNQ", "topstep-eval2", notices=told)
    assert "topstep-eval2" not in "\n".join(text_of(row) for row in messages.alert_rows(picked, 100))


def test_each_book_says_what_it_may_lose_to_its_stops_and_what_margin_is_left() -> None:
    view = many.four_books()
    first, *rest = view.books
    bare = replace(view.positions[-1], stop=None, protected_qty=0)
    first = replace(first, margin=Margin(Decimal(3200), Decimal(46800)))
    view = replace(view, books=(first, *rest), positions=(*view.positions[:-1], bare))
    head, rows = book_rows(ScreenState(view, "MNQ"), 220)
    assert "margin left" in text_of(head)
    assert ["46,800.00" in text_of(row) for row in rows] == [True, False, False, False]
    assert ["94.10" in text_of(row) for row in rows] == [True, False, False, False]
    assert "no stop!" in text_of(rows[-1])
    head, _ = book_rows(ScreenState(many.four_books(), "MNQ"), 220)
    assert "margin" not in text_of(head), "nobody tells it"
