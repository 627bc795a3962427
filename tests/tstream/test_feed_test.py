"""tstream feed test: what is said of a feed, by what it has delivered; and the command itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from engine.model import events as ev
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, NANOS, Bar, Timeframe
from tests.market.feed import T0
from tests.tstream.conftest import Reading
from tstream.cli import call
from tstream.commands.feed_look import FeedLook

MNQ = CME_FUTURES["MNQ"]
LIVE, DOWN = ev.LinkState.LIVE, ev.LinkState.DOWN
SUNDAY = T0 - 60 * 60 * 24 * 3 * NANOS
"""No futures trade."""


def link(after_s: float, state: ev.LinkState, detail: str = "", start: int = T0) -> ev.LinkChanged:
    return ev.LinkChanged(ts_recv=start + round(after_s * NANOS), link="market", state=state, detail=detail)


def contract(start: int = T0) -> ev.ContractResolved:
    return ev.ContractResolved(ts_recv=start, instrument=MNQ, contract_id="CON.F.US.MNQ.Z26", name="MNQZ6")


def quote(after_s: float, bid: int | None = 80_000, ask: int | None = 80_001, late_ms: int = 5) -> ev.Quote:
    ts = T0 + round(after_s * NANOS)
    return ev.Quote(ts_recv=ts + late_ms * 1_000_000, ts_venue=ts, instrument="MNQ", bid=bid, ask=ask)


def traded(after_s: float, late_ms: int = 5, size: int = 2) -> ev.Print:
    ts = T0 + round(after_s * NANOS)
    return ev.Print(
        ts_recv=ts + late_ms * 1_000_000,
        ts_venue=ts,
        instrument="MNQ",
        price=80_001,
        size=size,
        seq=round(after_s),
    )


def minutes(count: int, late_ms: int = 5) -> list[ev.AnyEvent]:
    """A trade each two seconds, over so many minutes and two seconds."""
    seconds = range(1, count * 60 + 3, 2)
    return [event for at in seconds for event in (quote(at, late_ms=late_ms), traded(at, late_ms))]


def past(count: int) -> list[Bar]:
    return [
        Bar("MNQ", Timeframe.M1, T0 - n * MINUTE, 80_000, 80_001, 79_999, 80_000, 10, backfilled=True)
        for n in range(count, 0, -1)
    ]


def told(
    events: Sequence[ev.AnyEvent], history: Sequence[Bar] | None = None, fault: str = "", start: int = T0
) -> dict[str, tuple[bool, str, str]]:
    """By finding: whether it is well, what is said, and the remedy."""
    look = FeedLook(MNQ, Timeframe.M1, start)
    for event in events:
        look.hear(event)
    if history is not None:
        look.remember(history)
    look.fault = fault
    look.tick(max((event.ts_recv for event in events), default=start) + 3 * NANOS)
    return {one.name: (one.ok, one.detail, one.remedy) for one in look.findings()}


def test_a_good_feed_is_told_with_its_figures() -> None:
    found = told([link(0.5, LIVE), contract(), *minutes(2)], past(300))
    assert {name: ok for name, (ok, _, _) in found.items()} == dict.fromkeys(
        ("link", "contract", "quotes", "prints", "delay", "history", "bars"), True
    )
    assert found["link"][1] == "live after 0.5 s"
    assert found["contract"][1] == "MNQ is MNQZ6 there (CON.F.US.MNQ.Z26)"
    assert found["quotes"][1].endswith("the newest 20000.00 / 20000.25")
    assert found["prints"][1].endswith("the newest 2 at 20000.25")
    assert found["delay"][1].startswith("5 ms in the middle, 5 ms at most")
    assert found["history"][1].startswith("300 bars of 1m, the newest closed ")
    assert found["bars"][1].startswith("1 of 1m: ")  # the first was seen in part only
    assert "20000.25 20000.25 20000.25 20000.25 volume 60" in found["bars"][1]


GOOD: list[Any] = [link(0.5, LIVE), contract(), *minutes(1)]


@pytest.mark.parametrize(
    ("events", "history", "name", "said", "remedy"),
    [
        ([], None, "link", "no connection within the time", "tstream check says more"),
        ([link(1, DOWN, "refused")], None, "link", "refused", "tstream check says more"),
        ([*GOOD, link(70, DOWN, "gone")], [], "link", "live after 0.5 s, and down now: gone", "network"),
        (
            [link(0.5, LIVE), *minutes(1)],
            [],
            "contract",
            "the venue has said nothing of MNQ",
            "its name right",
        ),
        ([link(0.5, LIVE), contract(), quote(1)], [], "prints", "none in 4 s: bars can't be made", "--for"),
        (
            [link(0.5, LIVE), contract(), quote(1, 5, 4)],
            [],
            "quotes",
            "1 in 4 s; bid 1.25 is above ask 1.00",
            "trade",
        ),
        (
            [link(0.5, LIVE), contract(), *minutes(1, 3000)],
            [],
            "delay",
            "3000 ms in the middle",
            "delayed data",
        ),
        (
            [link(0.5, LIVE), contract(), *minutes(1, -4000)],
            [],
            "delay",
            "the venue's times are 4.0 s ahead",
            "set it",
        ),
        (GOOD, None, "history", "no answer within the time", "--for"),
        (GOOD, [], "history", "the venue has none", "indicators have to wait"),
        (
            [link(0.5, LIVE), contract(), traded(1)],
            [],
            "bars",
            "none of 1m has closed in 4 s",
            "--for 2m",
        ),
    ],
)
def test_what_is_wrong_is_said_in_words(
    events: list[ev.AnyEvent], history: list[Bar] | None, name: str, said: str, remedy: str
) -> None:
    ok, detail, what = told(events, history)[name]
    assert not ok
    assert detail.startswith(said)
    assert remedy in what


def test_a_feed_that_ends_says_why() -> None:
    assert told([], fault="the key is wrong")["link"] == (
        False,
        "the key is wrong",
        "tstream check says more",
    )


def test_lost_connections_and_silences_are_told_though_all_is_well_now() -> None:
    lost: list[ev.AnyEvent] = [traded(61), link(62, DOWN, "reset"), link(100, LIVE), traded(101), traded(125)]
    events: list[ev.AnyEvent] = [link(0.5, LIVE), contract(), traded(1), *lost]
    found = told(events, past(1))
    assert found["link"][:2] == (True, "live after 0.5 s, lost 1 times meanwhile")
    assert found["gaps"][:2] == (True, "the longest silence was 60 s")
    assert "with a gap" in found["bars"][1]


def test_a_feed_of_closed_minutes_may_have_told_none_yet() -> None:
    found = told([link(0.5, LIVE), contract()], past(300))
    assert found["prices"][0]
    assert "a feed of closed minutes" in found["prices"][1]
    reported = ev.BarReported(ts_recv=T0 + 62 * NANOS, bar=replace(past(1)[0], open_ts=T0, backfilled=False))
    found = told([link(0.5, LIVE), contract(), reported], past(300))
    assert found["prices"][1] == "1 closed minutes, and nothing finer"
    assert found["bars"][1].startswith("1 of 1m: ")


def test_a_closed_market_is_no_fault_of_the_feed() -> None:
    found = told([link(0.5, LIVE, start=SUNDAY), contract(SUNDAY)], past(1), start=SUNDAY)
    assert {name for name, (ok, _, _) in found.items() if not ok} == set()
    assert found["market"][1].startswith("the market is closed (cme)")


@pytest.mark.parametrize(("timeframe", "bars"), [(Timeframe.M1, 300), (Timeframe.H1, 5)])
def test_where_none_closes_in_time_the_past_says_what_bars_there_are(timeframe: Timeframe, bars: int) -> None:
    look = FeedLook(MNQ, timeframe, T0)
    for event in (link(0.5, LIVE), contract(), quote(1), traded(1)):
        look.hear(event)
    look.remember(past(300))
    look.tick(T0 + 3 * NANOS)
    found = {one.name: one for one in look.findings()}["bars"]
    assert found.ok
    assert found.soon
    assert found.detail.startswith(
        f"none of {timeframe} has closed in 3 s; the past gives {bars}, the newest "
    )


def test_the_command_looks_at_the_practice_venue(
    reading: Reading, capsys: pytest.CaptureFixture[str]
) -> None:
    reading()
    assert call(["feed", "test", "practice", "mnq", "5m", "--for", "3s"]) == 0
    out = capsys.readouterr().out
    for words in ("practice (", "✓ link: live after", "✓ contract: MNQ is MNQ", "✓ quotes:", "✓ history:"):
        assert words in out
    assert "! bars: none of 5m has closed in 3 s; the past gives " in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere", "MNQ"], "no venue is called nowhere"),
        (["practice", "XYZ"], "no terms of XYZ are known at practice; there are MNQ, NQ,"),
        (["bybit", "BTCUSDT"], "no terms of BTCUSDT are known at bybit; there are BTCUSDT.P,"),
        (["practice", "MNQ", "7m"], 'unknown timeframe "7m"'),
    ],
)
def test_what_can_not_be_looked_at_is_told(
    reading: Reading, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    reading()
    assert call(["feed", "test", *words]) == 2
    assert said in capsys.readouterr().err
