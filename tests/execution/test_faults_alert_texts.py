"""F31: alerts that are wrong or hostile; F29: the months that they name."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from engine.model import records as r
from engine.model.alerts import Reason, Verdict
from engine.model.notices import NoticeKind, Severity
from tests.support.alert_room import (
    LONG,
    ROOM,
    SHORT,
    at_work,
    entries,
)
from tests.support.venue_orders import PRICE

WRONG: Sequence[tuple[str, Verdict, Reason]] = [
    (LONG.replace("20000", "2000"), Verdict.REFUSED, Reason.STOP_SIDE),
    (LONG.replace("20000", "200000"), Verdict.REFUSED, Reason.STOP_DISTANCE),
    ("🚨 NQ long 2000: A\nStop: 1990", Verdict.REFUSED, Reason.FAR_FROM_MARKET),
    ("🚨 NQ long 200000: A\nStop: 199990", Verdict.REFUSED, Reason.FAR_FROM_MARKET),
    ("🚨 NQ long 20006: A\nStop: 19996", Verdict.REFUSED, Reason.FAR_FROM_MARKET),
    (LONG.replace("19990", "20010"), Verdict.REFUSED, Reason.STOP_SIDE),
    (SHORT.replace("20010", "19990"), Verdict.REFUSED, Reason.STOP_SIDE),
    (LONG.replace("19990", "20000"), Verdict.REFUSED, Reason.STOP_SIDE),
    (LONG.replace("19990", "19949"), Verdict.REFUSED, Reason.STOP_DISTANCE),
    (LONG.replace("19990", "19998.25"), Verdict.REFUSED, Reason.STOP_DISTANCE),
    (LONG.replace("19990", "19990.1"), Verdict.REFUSED, Reason.OFF_GRID),
    (LONG.replace("NQ", "ES"), Verdict.REFUSED, Reason.UNKNOWN_CONTRACT),
    ("🚨 NQ long 20004: A\nStop: 20001", Verdict.REFUSED, Reason.PASSED),
    ("🚨 NQ short 20005: A\nStop: 20010", Verdict.TRADED, Reason.SEEN),
    (LONG.replace(": A", ""), Verdict.REFUSED, Reason.NO_SIZE),
    (LONG + "\n" + SHORT, Verdict.UNREAD, Reason.TWO_ALERTS),
    ("[bold]out[/bold] of everything", Verdict.UNREAD, Reason.NOT_AN_ALERT),
]


@pytest.mark.parametrize(("text", "verdict", "reason"), WRONG)
def test_f31_a_wrong_alert_is_a_reason_and_no_order(text: str, verdict: Verdict, reason: Reason) -> None:
    bench, jm = at_work()
    taken = jm.post(text)
    assert taken.verdict is verdict
    if verdict is Verdict.TRADED:  # a neighbour of the wrong ones: the same market, and right
        assert entries(bench)
        return
    assert taken.reason is reason
    assert entries(bench) == []
    notice = [n for n in bench.notices if n.kind is NoticeKind.REFUSAL][-1]
    assert notice.severity is Severity.WARNING
    assert notice.text.startswith("room jm: ")
    assert reason.sentence in notice.text
    assert "“" in notice.text


def test_f31_a_first_target_that_is_reached_already_is_no_trade() -> None:
    bench, jm = at_work(replace(ROOM, targets=(ROOM.targets[0] / 2, ROOM.targets[1])))
    bench.trade(PRICE + 14)
    taken = jm.post()
    assert (taken.reason, taken.detail) == (Reason.PASSED, "the first target")


@pytest.mark.parametrize("silence_s", [0, 10, 11])
def test_f31_without_a_fresh_price_nothing_is_traded(silence_s: int) -> None:
    bench, jm = at_work()
    bench.wait(silence_s)
    taken = jm.post()
    assert (taken.reason is Reason.NO_MARKET) is (silence_s > 10)
    assert bool(entries(bench)) is (silence_s <= 10)


HOSTILE = [
    "\x00\ufeff\u200b\u202e" * 50 + LONG,
    "🚨" * 5_000,
    "🚨 NQ long 20000" + "\n" * 1_000 + ": A\nStop: 19990",
    "'; DROP TABLE records; --",
    "[link=file:///etc/passwd]x[/link] \x1b]0;owned\x07 <script>alert(1)</script>",
    "A" * 1_000_000,
    "\ud800",
    "\n" * 100_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_f31_hostile_text_is_data(text: str) -> None:
    bench, jm = at_work()
    taken = jm.post(text)
    if taken.verdict is Verdict.TRADED:  # invisible characters before an alert are no part of it
        assert text.endswith(LONG)
        return
    assert taken.verdict is Verdict.UNREAD
    assert entries(bench) == []
    assert len(taken.excerpt) <= 80
    assert all(c.isprintable() for c in bench.notices[-1].text)
    r.encode(taken)


@pytest.mark.parametrize("root", ["NQ", "NQM6", "NQH26", "NQZ5"])
def test_f29_an_alert_for_any_month_means_its_root(root: str) -> None:
    """The order goes to the month that the venue calls active; the price must fit that month."""
    bench, jm = at_work()
    jm.post(LONG.replace("NQ", root))
    assert {order.instrument for order in entries(bench)} == {"MNQ"}


@pytest.mark.parametrize("root", ["NQX", "NQM", "NQM266", "MNQ", "QN", "N"])
def test_f29_what_is_no_month_of_a_mapped_root_is_unknown(root: str) -> None:
    _bench, jm = at_work()
    taken = jm.post(LONG.replace("NQ", root))
    assert taken.reason is Reason.UNKNOWN_CONTRACT
