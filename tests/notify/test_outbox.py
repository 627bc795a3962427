"""What waits for a channel: filters, repeats, bursts, pace, bounds. No clock: times are given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.notify.config import Rules
from adapters.notify.content.message import RANKS, Message, NewsEvent
from adapters.notify.dispatch.outbox import Escalation, Outbox
from engine.model.notices import Severity
from tests.notify.scenes import NOW, news

FAST = Rules(per_minute=6000, burst=1000)


def an_outbox(rules: Rules = FAST, capacity: int = 200, repeat_s: float = 60.0) -> Outbox:
    return Outbox(rules, lambda message: message.headline, capacity=capacity, repeat_s=repeat_s)


def drained(outbox: Outbox, now: float) -> list[Message]:
    found = []
    while outbox.due_in(now) == 0.0 and (entry := outbox.take(now)) is not None:
        outbox.sent(entry, now)
        found.append(entry.message)
    return found


@pytest.mark.parametrize("severity", Severity)
def test_the_threshold_is_the_least_severity_wanted(severity: Severity) -> None:
    outbox = an_outbox(Rules(severity=severity))
    wanted = [s for s in Severity if outbox.wants(news(severity=s))]
    assert wanted == [s for s in Severity if RANKS[s] >= RANKS[severity]]


def test_only_listed_events_are_wanted() -> None:
    outbox = an_outbox(Rules(events=frozenset({NewsEvent.RISK, NewsEvent.ERROR})))
    assert [e for e in NewsEvent if outbox.wants(news(event=e))] == [NewsEvent.RISK, NewsEvent.ERROR]


def test_repeats_that_wait_are_counted_and_the_newest_words_are_told() -> None:
    outbox = an_outbox()
    for number in range(37):
        outbox.offer(news(f"market link down: try {number}", key="down", ts=NOW + number), 0.0)
    (told,) = drained(outbox, 0.0)
    assert (told.count, told.title) == (37, "market link down: try 36")
    assert (told.first_ts, told.ts) == (NOW, NOW + 36)
    assert told.headline.endswith("×37")


def test_a_repeat_soon_after_is_held_back_and_counted() -> None:
    outbox = an_outbox(repeat_s=60)
    outbox.offer(news("down", key="down"), 0.0)
    assert len(drained(outbox, 0.0)) == 1
    for at in (1.0, 2.0, 30.0):
        outbox.offer(news("down", key="down"), at)
    assert outbox.due_in(30.0) == pytest.approx(30.0)
    assert drained(outbox, 59.0) == []
    (told,) = drained(outbox, 60.0)
    assert told.count == 3


def test_the_worst_severity_of_repeats_counts() -> None:
    outbox = an_outbox()
    outbox.offer(news("x", Severity.CRITICAL, key="k", mark="🚨"), 0.0)
    outbox.offer(news("x", Severity.INFO, key="k"), 0.0)
    (told,) = drained(outbox, 0.0)
    assert (told.severity, told.mark, told.count) == (Severity.CRITICAL, "🚨", 2)


def test_news_without_a_key_is_never_counted_together() -> None:
    outbox = an_outbox()
    for _ in range(3):
        outbox.offer(news("exit", event=NewsEvent.SIGNAL), 0.0)
    assert [message.count for message in drained(outbox, 0.0)] == [1, 1, 1]


def test_a_burst_is_told_in_one_but_signals_and_critical_news_whole() -> None:
    outbox = an_outbox()
    for number in range(12):
        outbox.offer(news(f"event {number}"), 0.0)
    outbox.offer(news("signal", event=NewsEvent.SIGNAL), 0.0)
    outbox.offer(news("naked", Severity.CRITICAL), 0.0)
    first, second, third = drained(outbox, 0.0)
    assert first.title == "naked"
    assert second.title == "12 messages"
    assert second.lines == tuple(f"event {number}" for number in range(12))
    assert third.title == "signal"


def test_a_few_are_told_one_by_one_in_their_order() -> None:
    outbox = an_outbox()
    for number in range(6):
        outbox.offer(news(f"event {number}"), 0.0)
    assert [m.title for m in drained(outbox, 0.0)] == [f"event {number}" for number in range(6)]


def test_the_rate_is_kept_and_critical_news_passes() -> None:
    outbox = an_outbox(Rules(per_minute=6, burst=2))
    for number in range(4):
        outbox.offer(news(f"event {number}"), 0.0)
    assert len(drained(outbox, 0.0)) == 2
    assert outbox.due_in(0.0) == pytest.approx(10.0)
    outbox.offer(news("naked", Severity.CRITICAL), 1.0)
    assert [m.title for m in drained(outbox, 1.0)] == ["naked"]
    assert drained(outbox, 5.0) == []
    assert len(drained(outbox, 11.0)) == 1


def test_a_hold_stops_everything_even_critical_news() -> None:
    outbox = an_outbox()
    outbox.hold_until(30.0)
    outbox.offer(news("naked", Severity.CRITICAL), 0.0)
    assert outbox.due_in(0.0) == pytest.approx(30.0)
    outbox.drop_pacing()
    assert outbox.due_in(0.0) == pytest.approx(30.0)
    assert len(drained(outbox, 30.0)) == 1


def test_hurry_forgets_pace_and_repeats() -> None:
    outbox = an_outbox(Rules(per_minute=1, burst=1))
    outbox.offer(news("a", key="k"), 0.0)
    assert len(drained(outbox, 0.0)) == 1
    outbox.offer(news("a", key="k"), 1.0)
    outbox.offer(news("b"), 1.0)
    assert drained(outbox, 1.0) == []
    outbox.drop_pacing()
    assert len(drained(outbox, 1.0)) == 2


def test_what_came_back_goes_first_and_as_it_was() -> None:
    outbox = an_outbox()
    outbox.offer(news("first", key="k"), 0.0)
    entry = outbox.take(0.0)
    assert entry is not None
    entry.payloads = [{"text": "the rest"}]
    outbox.offer(news("second"), 0.0)
    outbox.put_back(entry, 0.0)
    outbox.offer(news("first", key="k"), 0.0)
    assert outbox.take(0.0) is entry
    assert [m.title for m in drained(outbox, 0.0)] == ["second", "first"]


def test_the_least_important_oldest_is_dropped_and_counted() -> None:
    outbox = an_outbox(capacity=3)
    for title, severity in (
        ("info 1", Severity.INFO),
        ("critical", Severity.CRITICAL),
        ("info 2", Severity.INFO),
        ("warning", Severity.WARNING),
        ("info 3", Severity.INFO),
    ):
        outbox.offer(news(title, severity), 0.0)
    assert [m.title for m in drained(outbox, 0.0)] == ["critical", "warning", "info 3"]
    assert outbox.dropped == 2


def test_a_less_important_newcomer_is_itself_dropped() -> None:
    outbox = an_outbox(capacity=2)
    outbox.offer(news("a", Severity.WARNING), 0.0)
    outbox.offer(news("b", Severity.WARNING), 0.0)
    assert not outbox.offer(news("c"), 0.0)
    assert [m.title for m in drained(outbox, 0.0)] == ["a", "b"]


def test_an_alarm_that_the_reader_has_just_had_is_settled() -> None:
    outbox = an_outbox()
    first, second, third = (Escalation(news("naked", Severity.CRITICAL, key="k")) for _ in range(3))
    outbox.offer(first.message, 0.0, first)
    outbox.offer(second.message, 0.0, second)
    assert (first.delivered, second.delivered) == (False, True)
    drained(outbox, 0.0)
    outbox.offer(third.message, 1.0, third)
    assert third.delivered


posts = st.lists(
    st.tuples(
        st.sampled_from(Severity), st.sampled_from(["", "a", "b", "c"]), st.floats(0, 30, allow_nan=False)
    ),
    max_size=60,
)


@given(posts, st.integers(1, 10))
def test_nothing_is_lost_without_being_counted(
    script: list[tuple[Severity, str, float]], capacity: int
) -> None:
    outbox = an_outbox(Rules(per_minute=20, burst=3), capacity=capacity)
    now, told = 0.0, 0
    for severity, key, gap in script:
        now += gap
        outbox.offer(news("x", severity, key=key, event=NewsEvent.SIGNAL), now)
        assert len(outbox) <= capacity
        told += sum(m.count for m in drained(outbox, now))
    outbox.drop_pacing()
    told += sum(m.count for m in drained(outbox, now))
    assert told + outbox.dropped == len(script)
    assert len(outbox) == 0


@given(posts)
def test_the_pace_holds_over_every_minute(script: list[tuple[Severity, str, float]]) -> None:
    rules = Rules(per_minute=10, burst=4)
    outbox = an_outbox(rules)
    now = 0.0
    at: list[float] = []
    for severity, key, gap in script:
        now += gap
        if severity is Severity.CRITICAL:
            continue
        outbox.offer(news("x", severity, key=key, event=NewsEvent.SIGNAL), now)
        at += [now] * len(drained(outbox, now))
    for start in at:
        assert sum(start <= other < start + 60 for other in at) <= rules.per_minute + rules.burst
