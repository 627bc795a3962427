"""Prices that can hardly be true: what waits, what bears it out, and what is dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from engine.books.opening import PAPER
from engine.lab.replay import BOOK
from engine.market.quarantine import ABSURD, Absurd, Quarantine, near
from engine.model.config import PaperConfig
from engine.model.events import HistoryLoaded, Print, Quote, TimeAdvanced
from engine.model.market import NANOS, Timeframe
from tests.market.feed import T0, minute
from tests.support.scripted_replay import PRICE, ScriptedReplay, idea


def _event(word: str, ts: int) -> Print | Quote:
    """ "1000" is a print, "999/1001" a quote."""
    bid, slash, ask = word.partition("/")
    if not slash:
        return Print(ts_recv=ts, ts_venue=ts, instrument="ES", price=int(word), size=1)
    sides = [int(side) if side else None for side in (bid, ask)]
    return Quote(ts_recv=ts, ts_venue=ts, instrument="ES", bid=sides[0], ask=sides[1])


def _word(event: Print | Quote) -> str:
    return str(event.price) if isinstance(event, Print) else f"{event.bid or ''}/{event.ask or ''}"


KNOWN = "999/1001 1000 "


@pytest.mark.parametrize(
    ("words", "taken", "absurd"),
    [
        ("999/1001 1000 1001 1049 1098", "999/1001 1000 1001 1049 1098", 0),
        (KNOWN + "1500 1002", KNOWN + "1002", 1),
        (KNOWN + "1 1002 1 1003", KNOWN + "1002 1003", 2),
        (KNOWN + "1500 7 1002", KNOWN + "1002", 2),
        (KNOWN + "0 1000", KNOWN + "1000", 1),
        (KNOWN + "-5 1000", KNOWN + "1000", 1),
        # a gap at the open, a limit move: the next one says so too
        (KNOWN + "1070 1071 1072", KNOWN + "1070 1071 1072", 0),
        (KNOWN + "930 929", KNOWN + "930 929", 0),
        (KNOWN + "1069/1071 1070/1071", KNOWN + "1069/1071 1070/1071", 0),
        # print and quote bear each other out, in either order
        (KNOWN + "1070 1069/1071 1072", KNOWN + "1070 1069/1071 1072", 0),
        (KNOWN + "1069/1071 1070 1072", KNOWN + "1069/1071 1070 1072", 0),
        # a quote that lags says nothing against a print that waits
        (KNOWN + "1070 999/1001 1071", KNOWN + "999/1001 1070 1071", 0),
        (KNOWN + "1500 998/1000 1001", KNOWN + "998/1000 1001", 1),
        # one side of a quote is enough to doubt it
        (KNOWN + "999/9999 998/1000", KNOWN + "998/1000", 1),
        (KNOWN + "/1001 998/", KNOWN + "/1001 998/", 0),
        # the first price of all has nothing to be held against but the next
        ("5000 1000 1001", "1000 1001", 1),
        ("1000 999/1001", "1000 999/1001", 0),
        ("999/ 999/1001 1000", "999/ 999/1001 1000", 0),
        ("1/20000 999/1001 1000", "999/1001 1000", 1),
        # of something cheap a few ticks are much, and nothing odd
        ("11/12 12 15 21", "11/12 12 15 21", 0),
        ("11/12 12 90 15", "11/12 12 15", 1),
    ],
)
def test_what_is_taken_of_what_comes(words: str, taken: str, absurd: int) -> None:
    counts: Counter[str] = Counter()
    quarantine, seen = Quarantine(counts), []
    for second, word in enumerate(words.split()):
        event = _event(word, T0 + second * NANOS)
        sifted = quarantine.sift(event)
        assert sifted[-1] in (event, TimeAdvanced(ts_recv=event.ts_recv))
        seen += [_word(one) for one in sifted if isinstance(one, Print | Quote)]
    assert " ".join(seen) == taken
    assert counts[ABSURD] == absurd


def test_the_same_word_delivered_twice_proves_nothing() -> None:
    quarantine = Quarantine(Counter())
    for second, word in enumerate(KNOWN.split()):
        quarantine.sift(_event(word, T0 + second * NANOS))
    for again in (1, 2, 3):
        wild = Print(ts_recv=T0 + again, ts_venue=T0, instrument="ES", price=1500, size=1, seq=7)
        assert quarantine.sift(wild) == (TimeAdvanced(ts_recv=T0 + again),)


@pytest.mark.parametrize(
    ("bars", "kept"),
    [
        ("1000 1001 1049 1098", "1000 1001 1049 1098"),
        ("1000 5000 1001", "1000 1001"),  # one of another world
        ("1000 1:1:1:1 1001", "1000 1001"),
        ("1000 1000:5000:999:1001 1002", "1000 1002"),  # one print of it within a minute
        ("1000 1000:1001:3:1001 1002", "1000 1002"),
        ("1000 5000:5000:999:1001 1002", "1000 1002"),
        ("1000 1000:5000:1000:5000 1002", "1000 1002"),
        ("1000 1070 1071", "1000 1070 1071"),  # a gap at the open
        ("1000 1000:1000:900:901 902", "1000 1000:1000:900:901 902"),  # a fall that stays
        ("1000 1000:1000:900:990 991", "1000 1000:1000:900:990 991"),  # and one that doesn't
        ("5000 1000 1001", "1000 1001"),
        ("1000 1001 5000", "1000 1001"),  # nothing bears the newest one out yet
        ("5000", "5000"),
        ("", ""),
    ],
)
def test_a_bar_of_the_past_is_held_against_those_beside_it(bars: str, kept: str) -> None:
    """Open, high, low and close, or one price for all four."""
    past = {}
    for n, word in enumerate(bars.split()):
        opened, high, low, close = map(int, word.split(":") * (1 if ":" in word else 4))
        past[structs.replace(minute(n, close), open=opened, high=high, low=low)] = word
    counts: Counter[str] = Counter()
    told: list[Absurd] = []
    quarantine = Quarantine(counts)
    quarantine.tell = told.append
    for _ in range(2):  # the same past again is the same finding
        (loaded,) = quarantine.sift(HistoryLoaded(ts_recv=T0, instrument="ES", bars=tuple(past)))
        assert isinstance(loaded, HistoryLoaded)
        assert " ".join(past[bar] for bar in loaded.bars) == kept
    assert counts[ABSURD] == len(past) - len(kept.split())
    assert len(told) == min(1, counts[ABSURD])


def test_history_says_where_the_market_was() -> None:
    """The first price of a day is held against the last close, and a newer print is not forgotten for it."""
    quarantine = Quarantine(Counter())
    quarantine.sift(HistoryLoaded(ts_recv=T0, instrument="ES", bars=(minute(0, 1000),)))
    near_open, far = _event("1040", T0 + 90 * NANOS), _event("2000", T0 + 91 * NANOS)
    assert quarantine.sift(near_open) == (near_open,)
    quarantine.sift(HistoryLoaded(ts_recv=T0, instrument="ES", bars=(minute(-5, 2000),)))
    assert quarantine.sift(far) == (TimeAdvanced(ts_recv=far.ts_recv),)
    quarantine.forget("ES")
    month = _event("1999/2001", T0 + 92 * NANOS)
    assert quarantine.sift(month) == (month,)


@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=40))
def test_whatever_comes_nothing_is_taken_twice_or_out_of_order_and_every_step_is_borne_out(
    prices: list[int],
) -> None:
    counts: Counter[str] = Counter()
    quarantine, taken = Quarantine(counts), []
    for n, price in enumerate(prices):
        sifted = quarantine.sift(_event(str(price), T0 + n * NANOS))
        taken += [one for one in sifted if isinstance(one, Print)]
    times = [one.ts_recv for one in taken]
    assert times == sorted(set(times))
    waiting = len(prices) - len(taken) - counts[ABSURD]
    assert waiting in (0, 1)
    for before, now in pairwise(taken):
        jump = not near(now.price, before.price) and abs(now.price - before.price) * 20 > before.price
        if jump:  # the one after it bore it out
            after = [one for one in taken if one.ts_recv > now.ts_recv]
            assert after
            assert near(after[0].price, now.price)


def test_a_wild_price_reaches_no_bar_no_mark_and_no_order_on_paper() -> None:
    """Trades are open with stops 40 ticks below, and one print and one quote of another world come by."""

    def script(play: ScriptedReplay) -> Iterator[Quote | Print]:
        yield from play.minutes(2)
        yield from play.pass_time(2)
        wild: dict[str, Any] = {"ts_recv": play.now, "ts_venue": play.now, "instrument": "MNQ"}
        yield Print(price=PRICE // 2, size=50, **wild)
        yield Quote(bid=3, ask=4, **wild)
        yield from play.minutes(1)

    play = ScriptedReplay(script, [idea()], paper=PaperConfig())
    assert [play.core.state.book(name).position("MNQ").qty for name in (BOOK, PAPER)] == [5, 5]
    assert all(not play.core.state.book(name).trades for name in (BOOK, PAPER))
    bars = play.core.market.bars.bars("MNQ", Timeframe.M1)
    assert {(bar.low, bar.high) for bar in bars} == {(PRICE, PRICE)}
    assert play.core.marks.bid("MNQ") == PRICE
    assert play.core.turn.counts[ABSURD] == 2
    said = [notice.text for notice in play.core.turn.notices if "was dropped" in notice.text]
    price = play.core.instruments["MNQ"].price
    assert said == [
        f"MNQ: a price was dropped, {price(3)}, beside {price(PRICE)}; more of them are only counted"
    ]
