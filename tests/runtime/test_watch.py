"""What people are told of without looking: once, again only after it was over, and not too often."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.model import events as ev
from engine.model.events import RiskTold
from engine.model.notices import NoticeKind, Severity
from engine.model.view import PerformanceView, ProcessView
from engine.model.watch import Watched, WatchLimits
from engine.runtime.watch import RATE_S, Watch
from tests.market.feed import T0
from tests.support.engine_fakes import FakedEngine, adopted, resolved
from tests.tui.dashboard import beginner


def watching(limits: WatchLimits | None = None) -> tuple[Watch, list[RiskTold], FakedEngine]:
    faked = FakedEngine()
    faked.core.start(T0)
    for event in (resolved(), adopted()):
        faked.core.step(event)
    told: list[RiskTold] = []
    return Watch(faked.core, limits or WatchLimits(), lambda: T0, told.append), told, faked


def link(state: ev.LinkState, at: int = T0) -> ev.LinkChanged:
    return ev.LinkChanged(ts_recv=at, link="user", state=state, detail="closed by peer", venue="firm")


def names(told: list[RiskTold]) -> list[tuple[str, bool]]:
    return [(one.about, one.over) for one in told]


async def test_a_part_that_stays_away_is_told_once_and_that_it_is_back() -> None:
    watch, told, faked = watching()
    for state, at, so_far in (
        (ev.LinkState.LIVE, 0.0, 0),
        (ev.LinkState.DOWN, 10.0, 0),
        (ev.LinkState.DOWN, 69.0, 0),
        (ev.LinkState.DOWN, 70.0, 1),
        (ev.LinkState.DOWN, 500.0, 1),
        (ev.LinkState.LIVE, 501.0, 2),
        (ev.LinkState.DOWN, 502.0, 2),
        (ev.LinkState.DOWN, 600.0, 2),
        (ev.LinkState.DOWN, 70.0 + RATE_S, 3),
    ):
        faked.core.step(link(state))
        watch.look(watch.components(""), at)
        assert len(told) == so_far, at
    assert names(told) == [("firm", False), ("firm", True), ("firm", False)]
    assert (told[0].value, told[0].detail) == (60.0, "user is down: closed by peer")


async def test_components_are_the_engine_the_journal_venues_services_and_the_disk() -> None:
    watch, _, faked = watching(WatchLimits(disk_free_mb=500))
    faked.core.step(link(ev.LinkState.DOWN))
    faked.core.step(ev.LinkChanged(ts_recv=T0, link="discord", state=ev.LinkState.LIVE))
    watch.beside("backups", "OSError, see the log")
    watch.beside("signs of life", "")
    watch.process = ProcessView(3.0, 100_000_000, 499_999_999, 10_000_000_000)
    found = {one.name: one for one in watch.components("a bug")}
    assert {name: (one.ok, one.detail) for name, one in found.items()} == {
        "engine": (False, "a bug"),
        "journal": (True, ""),
        "firm": (False, "user is down: closed by peer"),
        "rooms": (True, ""),
        "services": (False, "backups: OSError, see the log"),
        "disk": (False, "499 MB left"),
    }
    watch.limits = WatchLimits(disk_free_mb=0)
    assert {one.name: one.ok for one in watch.components("")}["disk"]
    faked.core.step(ev.JournalState(ts_recv=T0, ok=False, detail="disk full"))
    found = {one.name: one for one in watch.components("the journal can't be written")}
    assert (found["journal"].ok, found["engine"].ok) == (False, True), "one cause is one failed part"


def of(**figures: float | None) -> PerformanceView:
    return replace(beginner("b"), **figures)


async def test_a_figure_is_told_at_its_limit_and_is_over_below_nine_tenths_of_it() -> None:
    watch, told, _ = watching(WatchLimits(drawdown_percent=Decimal(10), volatility_percent=Decimal(60)))
    for drawdown in (0.0999, 0.1, 0.12, 0.095, 0.11, 0.089, 0.13):
        watch.figures(of(drawdown=drawdown))
    assert [(one.what, one.value, one.over) for one in told] == [
        (Watched.DRAWDOWN, 0.1, False),
        (Watched.DRAWDOWN, 0.089, True),
    ], "the same again within a quarter of an hour is not told"
    watch.figures(of(volatility=0.75, drawdown=None))
    assert told[-1] == replace(told[-1], what=Watched.VOLATILITY, about="b", value=0.75, limit=0.6)
    watch.limits = WatchLimits(volatility_percent=Decimal(0))
    watch.figures(of(volatility=0.9))
    assert told[-1].over, "what is watched no more is over"


@pytest.mark.parametrize(
    ("event", "severity", "text", "book"),
    [
        (
            RiskTold(ts_recv=T0, what=Watched.DRAWDOWN, about="b", value=0.124, limit=0.1),
            Severity.WARNING,
            "drawdown: 12.4 % below the highest of the last thirty days (told from 10 % on)",
            "b",
        ),
        (
            RiskTold(ts_recv=T0, what=Watched.VOLATILITY, about="b", value=0.75, limit=0.6),
            Severity.WARNING,
            "volatility: 75 % a year by the last thirty days (told from 60 % on)",
            "b",
        ),
        (
            RiskTold(
                ts_recv=T0, what=Watched.COMPONENT, about="disk", value=60, limit=60, detail="9 MB left"
            ),
            Severity.CRITICAL,
            "disk has failed for 60 s and has not come back: 9 MB left",
            None,
        ),
        (
            RiskTold(ts_recv=T0, what=Watched.COMPONENT, about="disk", value=0, limit=0, over=True),
            Severity.INFO,
            "disk is back",
            None,
        ),
        (
            RiskTold(ts_recv=T0, what=Watched.DRAWDOWN, about="b", value=0.05, limit=0.1, over=True),
            Severity.INFO,
            "drawdown: 5.0 % again",
            "b",
        ),
        (
            RiskTold(ts_recv=T0, what=Watched.VOLATILITY, about="b", value=0.5, limit=0.6, over=True),
            Severity.INFO,
            "volatility: 50 % a year again",
            "b",
        ),
    ],
)
def test_it_is_told_in_words_and_nothing_follows_from_it(
    event: RiskTold, severity: Severity, text: str, book: str | None
) -> None:
    faked = FakedEngine()
    faked.core.start(T0)
    records, effects = faked.core.step(event)
    notice = faked.core.turn.notices[-1]
    assert (notice.kind, notice.severity, notice.text, notice.book) == (NoticeKind.RISK, severity, text, book)
    assert (records, effects) == ([], [])
    name = f"watch {event.what} {event.about}"
    assert (notice.alarm, notice.ends) == (("", (name,)) if event.over else (name, ()))


async def test_a_running_engine_shows_its_components() -> None:
    faked = FakedEngine()
    async with faked.running():
        health = faked.engine._health()
        assert {one.name for one in health.components} >= {"engine", "journal"}
        assert all(one.ok for one in health.components)
