"""What the running session has made so far, on the exchange's clock (docs/indicators.md#sessions)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.market.bars import BarsClosed
from engine.market.calendars.known import ALWAYS, CME, US_EQUITIES
from engine.model.market import NANOS, Bar, Timeframe
from engine.signals.board import SignalBoard
from engine.signals.indicators.vwap import Vwap
from engine.signals.sessions import SessionLevels, SessionRange, SessionVwap, VolumeByTime
from tests.signals.markets import minutes, run


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * NANOS


def five(text: str, open_: int, high: int, low: int, close: int, volume: int = 10) -> Bar:
    """Five minutes from a time in UTC."""
    return Bar("ES", Timeframe.M5, at(text), open_, high, low, close, volume)


DAY = [
    # Chicago is five hours behind in June: the session of the 16th opens at 22:00 UTC, regular hours at 13:30
    five("2026-06-15 20:55", 90, 95, 85, 90),
    five("2026-06-15 22:00", 100, 110, 98, 105),
    five("2026-06-16 03:00", 105, 120, 104, 118),
    five("2026-06-16 13:25", 118, 119, 99, 100),
    five("2026-06-16 13:30", 101, 130, 100, 125),
    five("2026-06-16 19:55", 125, 126, 90, 95),
    five("2026-06-16 20:05", 95, 140, 95, 135),  # after the regular close: neither night nor regular
    five("2026-06-16 22:00", 136, 137, 134, 135),
]


def shown(one: SessionRange | None) -> tuple[int | None, ...] | None:
    return None if one is None else (one.open, one.high, one.low)


def test_session_night_and_regular_hours_by_the_calendar() -> None:
    levels = SessionLevels(CME)
    seen = []
    for bar in DAY:
        levels.add(bar)
        seen.append((shown(levels.day), shown(levels.night), shown(levels.regular), levels.night_ended > 0))
    assert seen == [
        (None, None, None, False),  # the session of the 15th began before we looked
        ((100, 110, 98), (100, 110, 98), None, False),
        ((100, 120, 98), (100, 120, 98), None, False),
        ((100, 120, 98), (100, 120, 98), None, False),
        ((100, 130, 98), (100, 120, 98), (101, 130, 100), True),
        ((100, 130, 90), (100, 120, 98), (101, 130, 90), True),
        ((100, 140, 90), (100, 120, 98), (101, 130, 90), True),
        ((136, 137, 134), (136, 137, 134), None, False),
    ]
    assert levels.opened == at("2026-06-16 22:00")


def test_markets_without_a_night_have_none() -> None:
    always, stocks = SessionLevels(ALWAYS), SessionLevels(US_EQUITIES)
    for text in ("2026-06-16 00:00", "2026-06-16 13:30"):
        always.add(five(text, 100, 110, 90, 105))
    stocks.add(five("2026-06-16 13:30", 100, 110, 90, 105))
    assert shown(always.day) == (100, 110, 90)
    assert (always.night, always.regular) == (None, None)
    assert (shown(stocks.day), stocks.night, shown(stocks.regular)) == ((100, 110, 90), None, (100, 110, 90))


def test_vwap_begins_anew_with_the_session_and_not_in_its_middle() -> None:
    vwap = SessionVwap(CME)
    values = []
    for bar in (DAY[0], DAY[1], DAY[2], DAY[7]):
        vwap.add(bar)
        values.append(vwap.value)
    first, second = (110 + 98 + 105) / 3, (120 + 104 + 118) / 3
    assert values == [None, pytest.approx(first), pytest.approx((first + second) / 2), pytest.approx(406 / 3)]
    assert vwap.deviation == 0
    vwap.add(five("2026-06-16 22:05", 100, 100, 100, 100, 30))
    mean = (10 * 406 / 3 + 30 * 100) / 40
    spread = ((10 * (406 / 3 - mean) ** 2 + 30 * (100 - mean) ** 2) / 40) ** 0.5
    assert vwap.band(-2) == pytest.approx(mean - 2 * spread)


def test_volume_is_compared_with_the_same_time_of_other_days() -> None:
    volume = VolumeByTime(CME, sessions=3, least=2)
    told = []
    for day, (opening, lunch) in enumerate([(100, 10), (200, 20), (300, 60), (600, 5), (100, 5)]):
        for hour, size in (("13:30", opening), ("17:00", lunch)):
            told.append(volume.add(five(f"2026-06-{15 + day} {hour}", 1, 1, 1, 1, size)))
    assert told == [
        None,
        None,
        None,
        None,
        2.0,
        4.0,
        3.0,
        pytest.approx(1 / 6),
        pytest.approx(3 / 11),
        pytest.approx(3 / 17),
    ]
    with pytest.raises(ValueError, match="least"):
        VolumeByTime(CME, 2, 3)


def test_the_board_has_them_since_the_open_though_charts_keep_less() -> None:
    """A session of many more minutes than a reader of bars is given."""
    market = minutes(8, 2_400, ("ES",))[0]
    found: list[tuple[float | None, float | None]] = []

    def each(closed: BarsClosed, board: SignalBoard) -> None:
        by_hand, levels = Vwap(), SessionRange()
        start = CME.day_bounds(CME.trade_date(closed.bars[0].open_ts))[0]
        for bar in market:
            if start <= bar.open_ts < closed.ts:
                by_hand.add(bar)
                levels.add(bar)
        found.append((board.vwap("ES").value, by_hand.value))
        assert shown(board.session("ES").day) == shown(levels)
        zones = {zone.kind: zone for zone in board.zones("ES", Timeframe.M5)}
        drawn = {kind: zone.low for kind, zone in zones.items()}
        today = [bar for bar in market if start <= bar.open_ts < closed.ts]
        high = next(bar for bar in today if bar.high == levels.high)
        low = next(bar for bar in today if bar.low == levels.low)
        assert (drawn["HI"], zones["HI"].known_at) == (high.high, high.close_ts)
        assert (drawn["LO"], zones["LO"].known_at) == (low.low, low.close_ts)
        assert drawn["VWAP"] == round(by_hand.value or 0)
        night, over = board.session("ES").night, board.session("ES").night_ended
        assert night is not None
        assert (drawn.get("ONH"), drawn.get("ONL")) == ((night.high, night.low) if over else (None, None))
        assert "VWAP" not in {zone.kind for zone in board.zones("ES", Timeframe.H4)}

    run(
        [market],
        lambda closed, board: each(closed, board) if closed.ts == market[-2].close_ts else None,
        2_300,
    )
    [(ours, by_hand)] = found
    assert ours is not None
    assert ours == by_hand
