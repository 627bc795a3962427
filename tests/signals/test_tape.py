"""The prints that people look at, by the rules that strategies count by."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from engine.market.calendars.known import CME
from engine.model.depth import TAPE_PRINTS
from engine.model.events import Depth
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, NANOS, Bar, Side, Timeframe
from engine.signals.market_data import MarketData
from engine.signals.tape import PRINTS_UNSEEN, PrintTape, big_of
from tests.market.feed import T0
from tests.signals.test_order_flow import printed, quoted

SIDES = (Side.BUY, Side.SELL, None)


def market() -> MarketData:
    made = MarketData({"ES": CME_FUTURES["ES"]}, NANOS, 60 * NANOS, Counter())
    made.bars.feed_up(T0)
    return made


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9), st.sampled_from(SIDES)), max_size=60))
def test_a_bar_s_delta_is_what_a_strategy_is_told(prints: list[tuple[int, int, Side | None]]) -> None:
    data = market()
    data.on_quote(quoted(0, 100, 101), T0)
    flow, tape = data.board.order_flow("ES"), data.tape("ES", T0)
    for n, (away, size, side) in enumerate(prints):
        one = printed(1 + 7 * n, 99 + away, size, side, seq=n + 1)
        data.on_print(one, one.ts_recv)
        data.on_print(one, one.ts_recv)  # told twice
    m1 = Timeframe.M1
    forming = data.bars.forming("ES", m1)
    bars = [*data.bars.bars("ES", m1), *([] if forming is None else [forming])]
    view = tape.view(m1, bars)
    assert [(one.bought, one.sold) for one in view.bars] == [(f.bought, f.sold) for f in map(flow.of, bars)]
    assert view.delta == sum(one.delta for one in view.bars)
    assert [one.total for one in view.bars][-1:] == [view.delta][: len(bars)]
    assert sum(size for _, size in tape.traded.items()) == sum(one.volume for one in bars)
    assert [one.seq for one in view.prints] == list(range(1, len(prints) + 1))


def test_who_looks_first_sees_the_prints_of_before() -> None:
    data = market()
    for n in range(PRINTS_UNSEEN + 50):
        data.on_print(printed(n / 100, 100, 1, Side.BUY, seq=n + 1), T0)
    assert not data.tapes
    tape = data.tape("ES", T0)
    assert len(tape.prints) == PRINTS_UNSEEN == tape.delta
    assert not tape.whole
    assert data.tape("ES", T0) is tape


def test_minutes_of_before_are_spread_over_their_range_and_nothing_is_lost() -> None:
    tape = PrintTape("ES", CME)
    start = T0 - T0 % MINUTE
    minutes = [
        Bar("ES", Timeframe.M1, start - 2 * MINUTE, 100, 104, 98, 101, 24),
        Bar("ES", Timeframe.M1, start - MINUTE, 101, 101, 101, 101, 5),
        Bar("ES", Timeframe.M1, start - 9_000 * MINUTE, 1, 1, 1, 1, 7),  # of another session
    ]
    tape.begin(minutes, [(printed(1, 101, 3, Side.SELL), None)], T0)
    assert tape.about
    assert sum(tape.traded.values()) == 24 + 5 + 3
    assert set(tape.traded) == set(range(98, 105))


def test_a_session_begins_anew_and_is_whole_then() -> None:
    data = market()
    tape = data.tape("ES", T0)
    tape.add(printed(1, 100, 5, Side.BUY), None)
    rolled = (CME.next_roll(T0) - T0) // NANOS
    tape.add(printed(rolled + 1, 101, 2, Side.SELL), None)
    assert (tape.delta, tape.traded, tape.whole) == (-2, {101: 2}, True)


def test_memory_is_bounded_and_the_picture_too() -> None:
    tape = market().tape("ES", T0)
    for n in range(5_000):
        tape.add(printed(n / 100, 100 + n % 50, 1 + n % 3), None)
    assert len(tape.prints) == 2_000
    assert len(tape.view(Timeframe.M5, ()).prints) == TAPE_PRINTS


def test_a_big_print_is_rare_and_large() -> None:
    assert big_of([1] * 300) == 2
    assert big_of([1] * 290 + [50] * 10) == 50
    assert big_of([5] * 100 + [6] * 100) == 12


def test_a_strategy_that_asks_for_depth_has_it_asked_for() -> None:
    data = market()
    assert data.board.depth("ES") is None
    assert data.board.depth_wanted == {"ES"}
    book = Depth(ts_recv=T0, instrument="ES", bids=((100, 1),), asks=((101, 1),))
    data.on_depth(book)
    assert data.board.depth("ES") is book
