"""Prices of several venues for the books of one run: whose count, and what one that fails leaves alone."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.books.opening import PAPER
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import (
    Flatten,
)
from engine.model.market import NANOS
from engine.model.notices import Severity
from engine.model.refusals import Refusal
from tests.support.many_books import (
    ALPHA,
    BETA,
    EVERY,
    MNQ,
    ManyBooks,
    at_work,
    entered,
)


def test_a_venue_that_is_down_stops_its_own_books_only_and_is_named() -> None:
    many = at_work()
    many.down(BETA)
    many.minute()
    many.minute()
    assert many.entered() == ["one", "two", PAPER]
    (refused,) = many.written(r.IdeaRefused)
    assert refused.book == "three"
    assert Refusal.VENUE_DOWN in refused.refusals
    assert any(notice.text == "beta market link down" for notice in many.notices)
    many.back(BETA)
    many.pass_time(3)
    assert not many.core.entries.against(many.core.books["three"], "MNQ")


def test_the_books_of_a_venue_need_its_links_and_the_market_of_whoever_prices() -> None:
    many = at_work()
    many.links(BETA, ev.LinkState.DOWN, ("market",))
    for name in EVERY:
        assert not many.core.entries.against(many.core.books[name], "MNQ"), "alpha prices it"
    many.links(ALPHA, ev.LinkState.DOWN, ("market",))
    for name in EVERY:
        against = [one.refusal for one in many.core.entries.against(many.core.books[name], "MNQ")]
        assert against == [Refusal.VENUE_DOWN]


def test_prices_come_from_the_next_venue_until_the_preferred_one_has_been_back_for_a_minute() -> None:
    many = at_work()
    sources = many.core.market.sources
    assert sources.active("MNQ") == ALPHA
    many.down(ALPHA)
    many.pass_time(3)
    assert sources.active("MNQ") == ALPHA, "a moment's failure changes nothing"
    many.pass_time(4)
    assert sources.active("MNQ") == BETA
    told = [notice for notice in many.notices if "prices of MNQ" in notice.text]
    assert told[-1].text == "prices of MNQ come from beta now (alpha: its market link is down)"
    assert told[-1].severity is Severity.WARNING
    assert not many.core.entries.against(many.core.books["three"], "MNQ")
    assert not many.core.entries.against(many.core.books[PAPER], "MNQ")
    many.back(ALPHA)
    many.pass_time(50)
    assert sources.active("MNQ") == BETA
    many.pass_time(15)
    assert sources.active("MNQ") == ALPHA
    assert many.notices[-1].text == "prices of MNQ come from alpha now (alpha is well again)"
    assert sources.switches == 2


def test_a_feed_that_is_late_beside_a_prompt_one_is_told_by_name() -> None:
    """Whoever prices what is traded; a minute late, and nothing is entered on its prices."""
    many = at_work()

    def minutes(count: int, **late_s: float) -> list[str]:
        seen = len(many.notices)
        for _ in range(count * 60 + 2):
            many.now += NANOS
            for venue, seconds in late_s.items():
                stamped = many.now - int(seconds * NANOS)
                many.step(
                    ev.Quote(
                        ts_recv=many.now, ts_venue=stamped, instrument="MNQ", venue=venue,
                        bid=many.price, ask=many.price + 1,
                    )
                )  # fmt: skip
        return [notice.text for notice in many.notices[seen:] if "in time" in notice.text]

    assert minutes(1, alpha=0.4, beta=0.4) == []
    (text,) = minutes(2, alpha=0.4, beta=3.5)
    assert text.startswith("prices of beta come 3.5 s late, those of alpha in time")
    assert minutes(1, alpha=0.4, beta=5.0) == [], "told once"
    assert many.notices[-1].alarm == "late prices beta"
    assert not many.core.entries.against(many.core.books["one"], "MNQ"), "alpha prices it"
    assert minutes(2, alpha=0.4, beta=0.4) == ["prices of beta come in time again"]
    assert many.notices[-1].ends == ("late prices beta",)
    (text,) = minutes(2, alpha=75.0, beta=0.4)
    assert text.startswith("prices of alpha come 75.0 s late")
    against = [one.refusal for one in many.core.entries.against(many.core.books["one"], "MNQ")]
    assert Refusal.CLOCK in against


def test_only_the_active_venues_prices_count_for_marks_bars_and_paper_fills() -> None:
    many = entered()
    qty = many.held()[PAPER]
    here, many.price = many.price, many.price - 500
    many.now += 1
    many.market(BETA)
    assert many.core.marks.bid("MNQ") == here
    assert many.core.market.last("MNQ") == here
    assert many.held()[PAPER] == qty, "the paper book's stop is no wiser"


def _until_the_switch(many: ManyBooks) -> None:
    """Alpha is gone, and nobody prices anything in between: beta has spoken before, and does so after."""
    many.down(ALPHA)
    many.market(BETA)
    while many.core.market.sources.active("MNQ") == ALPHA:
        many.now += many.step_ns
        many.step(ev.TimeAdvanced(ts_recv=many.now))


def test_a_paper_order_never_fills_at_the_price_of_the_venue_before() -> None:
    many = entered()
    here, fills = many.price, len(many.written(r.FillApplied))
    _until_the_switch(many)
    many.say(Flatten(id="x", book=PAPER))
    for _ in range(10):
        many.now += many.step_ns
        many.step(ev.TimeAdvanced(ts_recv=many.now))
    assert len(many.written(r.FillApplied)) == fills, "no price of beta's is known"
    many.price = here - 7
    many.market(BETA)
    many.pass_time(1)
    assert many.held()[PAPER] == 0
    closed = [one for one in many.written(r.FillApplied)[fills:] if one.book == PAPER]
    assert {one.fill.price for one in closed} == {here - 7 - 1}, "the new bid, and a tick of slippage"


def test_a_paper_position_ends_in_its_month_where_the_next_venue_is_in_another() -> None:
    many = entered()
    fills = len(many.written(r.FillApplied))
    later = ev.ContractResolved(
        ts_recv=many.now, instrument=MNQ, contract_id="beta-h", name="MNQH7", venue=BETA
    )
    many.step(later)
    here = many.price
    _until_the_switch(many)
    many.price = here + 300
    many.pass_time(5)
    closed = [one for one in many.written(r.FillApplied)[fills:] if one.book == PAPER]
    assert many.held()[PAPER] == 0
    assert {one.fill.price for one in closed} == {here - 1}


@settings(max_examples=14)
@given(st.lists(st.tuples(st.sampled_from((ALPHA, BETA)), st.integers(1, 90)), min_size=1, max_size=12))
def test_prices_never_flap_whatever_fails_when(mishaps: list[tuple[str, int]]) -> None:
    many = ManyBooks()
    many.connect()
    sources, switched = many.core.market.sources, [many.now]
    for venue, seconds in mishaps:
        (many.down if venue in many.up else many.back)(venue)
        for _ in range(seconds):
            before = sources.active("MNQ")
            many.pass_time(1)
            if sources.active("MNQ") != before:
                assert many.now - switched[-1] >= 5_000_000_000 or len(switched) == 1
                switched.append(many.now)
    many.up = set()
    for venue in (ALPHA, BETA):
        many.back(venue)
    many.pass_time(70)
    assert sources.active("MNQ") == ALPHA
