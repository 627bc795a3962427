"""Where events wait: order, lanes, coalescing, how long, and what an overload at the open does to bars."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from engine.market.bars import BarsClosed, MinuteBars
from engine.model.commands import Pause
from engine.model.events import (
    AccountReported,
    AnyEvent,
    CommandReceived,
    HistoryLoaded,
    LinkChanged,
    LinkState,
    Print,
    Quote,
    TimeAdvanced,
)
from engine.model.market import NANOS
from engine.runtime.inbox import COALESCE_ABOVE, TURNS, Inbox
from tests.market.feed import at
from tests.support.virtual_loop import play
from tests.support.waits import turns

OPEN = at(30 * 60 - 3)


def quote(n: int, instrument: str = "MNQ") -> Quote:
    return Quote(ts_recv=n, instrument=instrument, bid=n, ask=n + 1)


def market(n: int) -> Print:
    return Print(ts_recv=n, instrument="MNQ", price=n, size=1)


def balance(n: int) -> AccountReported:
    return AccountReported(ts_recv=n, book="b", balance_usd=Decimal(n), can_trade=True)


def drained(inbox: Inbox) -> list[AnyEvent]:
    taken = []
    while (event := inbox.take()) is not None:
        taken.append(event)
    return taken


def test_events_of_the_market_come_out_as_they_came_in() -> None:
    inbox = Inbox(lambda: 0.0)
    link = LinkChanged(ts_recv=4, link="market", state=LinkState.LIVE)
    history = HistoryLoaded(ts_recv=5, instrument="MNQ", bars=())
    sent: list[AnyEvent] = [quote(1), market(2), quote(3), link, history, TimeAdvanced(ts_recv=6), market(7)]
    for event in sent:
        inbox.post(event)
    assert drained(inbox) == sent


def test_f20_orders_and_commands_do_not_wait_behind_the_market() -> None:
    inbox = Inbox(lambda: 0.0)
    for n in range(3 * COALESCE_ABOVE):
        inbox.post(market(n))
    urgent: list[AnyEvent] = [
        balance(1),
        CommandReceived(ts_recv=2, command=Pause(id="p")),
        LinkChanged(ts_recv=3, link="user", state=LinkState.DOWN),
        balance(4),
    ]
    for event in urgent:
        inbox.post(event)
    taken = drained(inbox)
    assert taken[:4] == urgent
    assert taken[4:] == [market(n) for n in range(3 * COALESCE_ABOVE)]


def test_f20_under_load_only_quotes_give_way() -> None:
    inbox = Inbox(lambda: 0.0)
    prints = [market(n) for n in range(3 * COALESCE_ABOVE)]
    for n, event in enumerate(prints):
        inbox.post(event)
        inbox.post(quote(n))
        inbox.post(quote(n, "ES"))
    assert len(inbox) < len(prints) + 2 * COALESCE_ABOVE
    taken = drained(inbox)
    assert [e for e in taken if isinstance(e, Print)] == prints
    for symbol in ("MNQ", "ES"):
        bids = [e.bid for e in taken if isinstance(e, Quote) and e.instrument == symbol]
        assert bids[-1] == len(prints) - 1
    assert inbox.dropped + len(taken) == 3 * len(prints)


def test_f20_a_newer_quote_never_overtakes_an_older_one() -> None:
    inbox = Inbox(lambda: 0.0)
    for n in range(COALESCE_ABOVE + 1):
        inbox.post(TimeAdvanced(ts_recv=n))
    inbox.post(quote(1))
    for _ in range(200):
        inbox.take()
    inbox.post(quote(2))
    assert [e.bid for e in drained(inbox) if isinstance(e, Quote)] == [2]


STEPS = st.lists(st.tuples(st.sampled_from("pqQat"), st.integers(1, 400)), max_size=40)


@given(STEPS)
def test_f20_nothing_but_older_quotes_is_ever_lost(steps: list[tuple[str, int]]) -> None:
    inbox = Inbox(lambda: 0.0)
    posted: list[AnyEvent] = []
    taken: list[AnyEvent] = []
    number = 0
    makers: dict[str, Callable[[int], AnyEvent]] = {
        "p": market, "q": quote, "Q": lambda n: quote(n, "ES"), "a": balance,
    }  # fmt: skip
    for what, times in steps:
        for _ in range(times):
            number += 1
            if what == "t":
                event = inbox.take()
                if event is not None:
                    taken.append(event)
                continue
            made = makers[what](number)
            posted.append(made)
            inbox.post(made)
    taken += drained(inbox)
    assert inbox.dropped + len(taken) == len(posted)
    for kind in (Print, AccountReported):
        assert [e for e in taken if type(e) is kind] == [e for e in posted if type(e) is kind]
    for symbol in ("MNQ", "ES"):
        stamps = [e.ts_recv for e in taken if isinstance(e, Quote) and e.instrument == symbol]
        assert stamps == sorted(set(stamps))
        last = [e.ts_recv for e in posted if isinstance(e, Quote) and e.instrument == symbol][-1:]
        assert stamps[-1:] == last


def rush(seconds: float, times: int) -> Iterator[AnyEvent]:
    """Six contracts at `times` the rate of a busy session: 42 quotes and 100 prints a second each."""
    symbols = ("ES", "GC", "MES", "MGC", "MNQ", "NQ")
    step = NANOS // (100 * times)
    for n in range(int(seconds * NANOS / step)):
        ts = OPEN + n * step
        for symbol in symbols:
            yield Print(ts_recv=ts, ts_venue=ts, instrument=symbol, price=100 + n % 7, size=1, seq=n)
            if n % 5 < 2:
                yield Quote(ts_recv=ts, ts_venue=ts, instrument=symbol, bid=99, ask=101)
        if n % 50 == 0:
            yield balance(ts)


def test_f20_ten_times_the_rate_at_the_open_costs_quotes_and_no_bar_is_late() -> None:
    """On a virtual clock a core that takes 150 us an event meets 8,600 events a second, and keeps up."""
    cost = NANOS * 150 // 1_000_000
    now = OPEN
    inbox = Inbox(lambda: now / NANOS)
    late: Counter[str] = Counter()
    bars = MinuteBars(counts=late)
    bars.feed_up(OPEN - 60 * NANOS)
    closed: list[tuple[int, BarsClosed]] = []
    prints: list[Print] = []
    balances, longest, waited = 0, 0, 0.0

    def work() -> None:
        nonlocal now, balances, waited
        event = inbox.take()
        assert event is not None
        now += cost
        if isinstance(event, Print):
            prints.append(event)
            closed.extend((now, one) for one in bars.on_print(event))
        elif isinstance(event, Quote):
            closed.extend((now, one) for one in bars.on_quote(event))
        else:
            balances += 1
            waited = max(waited, inbox.waits[-1])

    sent = quotes = 0
    for event in rush(6, 10):
        while len(inbox) and now < event.ts_recv:
            work()
        now = max(now, event.ts_recv)
        inbox.post(event)
        sent += isinstance(event, Print)
        quotes += isinstance(event, Quote)
        longest = max(longest, len(inbox))
    while len(inbox):
        work()

    assert len(prints) == sent == 36_000
    assert balances == 120
    assert waited < 0.001
    assert 0 < inbox.dropped < quotes
    assert longest < 2 * COALESCE_ABOVE
    [(emitted_at, one)] = closed
    assert one.ts == at(30 * 60)
    assert emitted_at - one.ts < NANOS * 1.1
    assert sum(bar.volume for bar in one.bars) == 6 * 3_000
    assert not late


def test_waits_are_measured() -> None:
    now = 0.0
    inbox = Inbox(lambda: now)
    for n in range(100):
        inbox.post(quote(n))
    for n in range(100):
        now = 0.5 if n == 99 else 0.01
        inbox.take()
    assert inbox.wait_p99_ms() == 500.0


def test_a_waiter_wakes_at_an_event_or_in_time() -> None:
    async def scenario() -> None:
        time = asyncio.get_running_loop().time
        inbox, begun = Inbox(time), time()
        await inbox.wait(0.5)
        assert time() == begun + 0.5
        waiter = asyncio.create_task(inbox.wait(60))
        await asyncio.sleep(1)
        assert not waiter.done()
        inbox.post(quote(1))
        await waiter
        await inbox.wait(60)
        assert time() == begun + 1.5, "what is there already is not waited for"

    play(scenario())


async def test_who_lets_events_go_first_comes_back_once_they_are_taken_and_never_late() -> None:
    inbox = Inbox(lambda: 0.0)
    await inbox.taken()
    inbox.post(quote(1))
    first = asyncio.create_task(inbox.taken())
    await turns(TURNS // 2)
    assert not first.done(), "one still waits"
    assert drained(inbox)
    await turns(1)
    assert first.done()
    inbox.post(quote(2))
    flooded = asyncio.create_task(inbox.taken())
    await turns(TURNS + 1)
    assert flooded.done(), "in a flood, too, it gets its turn"
