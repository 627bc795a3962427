"""Where events wait: order, coalescing, and how long."""

from __future__ import annotations

import asyncio

from engine.model.events import AnyEvent, Print, Quote, TimeAdvanced
from engine.runtime.inbox import COALESCE_ABOVE, Inbox


def quote(n: int, instrument: str = "MNQ") -> Quote:
    return Quote(ts_recv=n, instrument=instrument, bid=n, ask=n + 1)


def drained(inbox: Inbox) -> list[AnyEvent]:
    taken = []
    while (event := inbox.take()) is not None:
        taken.append(event)
    return taken


def test_events_come_out_as_they_came_in() -> None:
    inbox = Inbox(lambda: 0.0)
    sent = [quote(1), Print(ts_recv=2, instrument="MNQ", price=1, size=1), quote(3)]
    for event in sent:
        inbox.post(event)
    assert drained(inbox) == sent


def test_f20_under_load_only_quotes_give_way() -> None:
    inbox = Inbox(lambda: 0.0)
    prints = [Print(ts_recv=n, instrument="MNQ", price=n, size=1) for n in range(3 * COALESCE_ABOVE)]
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


def test_waits_are_measured() -> None:
    now = 0.0
    inbox = Inbox(lambda: now)
    for n in range(100):
        inbox.post(quote(n))
    for n in range(100):
        now = 0.5 if n == 99 else 0.01
        inbox.take()
    assert inbox.wait_p99_ms() == 500.0


async def test_a_waiter_wakes_at_an_event_or_in_time() -> None:
    inbox = Inbox(asyncio.get_running_loop().time)
    async with asyncio.timeout(2):
        await inbox.wait(0.01)
        waiter = asyncio.create_task(inbox.wait(60))
        await asyncio.sleep(0)
        inbox.post(quote(1))
        await waiter
        await inbox.wait(60)
