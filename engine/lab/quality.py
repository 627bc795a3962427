"""What is wrong with bars, as far as bars can tell: holes, outliers, stamps (docs/data.md#the-report).

Nothing is changed. A finding is grave where a backtest on the bars would be wrong, or may be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from statistics import median

from engine.lab.hours import RecordedHours, SessionHours, expected, holes, hours_of, sessions, shifted_weeks
from engine.lab.stamps import read_stamps
from engine.market.calendars.calendar import Calendar
from engine.model.datasets import Finding, Flaw
from engine.model.figures import percent
from engine.model.instrument import Instrument
from engine.model.market import NANOS, Bar

_SHOWN = 5
_FAR = 20
"""An outlier stands out by so many usual ranges of a bar..."""
_SHARE = 400
"""...and by a 400th of the price."""
_MEMORY = 50
"""Bars over which the usual range is remembered."""
_MUCH = 0.2
_MISSING = 0.02
_LEVEL = 8
"""A volume so many times another, day by day, is counted by another feed."""
_DAYS = 5


def inspect(bars: Sequence[Bar], instrument: Instrument, calendar: Calendar, stamp: str) -> list[Finding]:
    """What stands out in the bars of a recording, oldest first. `stamp` is what its times were taken for:
    "open", "close", or empty where nobody said.
    """
    if not bars:
        return []
    times = [bar.open_ts for bar in bars]
    length = bars[0].timeframe.nanos
    days = sessions(times, calendar)
    hours = hours_of(days, times, length)
    found = [
        _stamp(bars, days, calendar, stamp),
        _hours(hours, days, calendar),
        _gaps(times, days, hours, length),
        _hour_off(times, days, hours, length),
        _outside(times, days),
        *_prices(bars, instrument, days),
        *_volumes(bars, days),
        _calendar(times, calendar),
    ]
    return [finding for finding in found if finding is not None]


def _stamp(
    bars: Sequence[Bar], days: Sequence[SessionHours], calendar: Calendar, stamp: str
) -> Finding | None:
    looks, why = read_stamps(bars, days, calendar, stamp == "close")
    if not looks:
        return None if stamp else Finding(Flaw.STAMP, 0, why, grave=True)
    if looks == stamp:
        return None
    asked = f", and were taken for the {stamp}" if stamp else ""
    return Finding(Flaw.STAMP, len(bars), f"bars look stamped by their {looks}{asked}: {why}", grave=True)


def _hours(hours: RecordedHours, days: Sequence[SessionHours], calendar: Calendar) -> Finding | None:
    if hours == RecordedHours():
        return None
    start, stop = hours.of(days[len(days) // 2])
    span = f"{calendar.hhmm(start)} to {calendar.hhmm(stop)} {calendar.clock_name}"
    return Finding(Flaw.HOURS, len(days), f"sessions, of which only {span} is covered")


def _gaps(
    times: Sequence[int], days: Sequence[SessionHours], hours: RecordedHours, length: int
) -> Finding | None:
    found = holes(days, hours, times, length)
    if not found:
        return None
    whole = expected(days, hours, times, length)
    missing = sum((stop - start) // length for start, stop in found)
    longest = sorted(found, key=lambda hole: hole[0] - hole[1])[:_SHOWN]
    share = missing / whole if whole else 0.0
    return Finding(
        Flaw.GAP,
        len(found),
        f"gaps inside sessions, {missing:,} bars of {whole:,} ({percent(share, 2)}); the longest:",
        first=tuple(f"{_at(a)} to {_at(b)}: {(b - a) // length:,} bars" for a, b in longest),
        grave=share > _MISSING,
    )


def _hour_off(
    times: Sequence[int], days: Sequence[SessionHours], hours: RecordedHours, length: int
) -> Finding | None:
    runs = shifted_weeks(days, hours, times, length)
    if not runs:
        return None
    return Finding(
        Flaw.HOUR_OFF,
        len(runs),
        "runs of weeks whose bars are an hour off the sessions: the zone is another, or its clock changes on "
        "other days",
        first=tuple(
            f"{_at(a)} to {_at(b)}: an hour {'late' if shift < 0 else 'early'}"
            for a, b, shift in runs[:_SHOWN]
            for a, b, shift in runs[:_SHOWN]
        ),
        grave=True,
    )


def _outside(times: Sequence[int], days: Sequence[SessionHours]) -> Finding | None:
    count = len(times) - sum(day.end - day.first for day in days)
    if not count:
        return None
    ends = [0, *(day.end for day in days)]
    begins = [*(day.first for day in days), len(times)]
    first = [times[place] for a, b in zip(ends, begins, strict=True) for place in range(a, min(b, a + 1))]
    return Finding(
        Flaw.OUTSIDE,
        count,
        "bars outside the sessions of the calendar",
        first=tuple(_at(ts) for ts in first[:_SHOWN]),
        grave=count > _MUCH * len(times),
    )


def _prices(bars: Sequence[Bar], instrument: Instrument, days: Sequence[SessionHours]) -> Iterator[Finding]:
    begins = {day.first for day in days}
    spikes: list[int] = []
    steps: list[int] = []
    usual = float(sum(bar.high - bar.low for bar in bars[:_MEMORY]) / len(bars[:_MEMORY]))
    before = bars[0]
    for place, bar in enumerate(bars):
        after = bars[place + 1] if place + 1 < len(bars) else bar
        far = max(_FAR * max(usual, 1.0), before.close / _SHARE)
        up, down = before.high if before.high > after.high else after.high, min(before.low, after.low)
        if place and after is not bar and (bar.high - up > far or down - bar.low > far):
            spikes.append(place)
        elif abs(bar.open - before.close) > far and place not in begins:
            steps.append(place)
        spread = float(bar.high - bar.low)
        limit = 3.0 * usual + 1.0
        usual += ((spread if spread < limit else limit) - usual) / _MEMORY
        before = bar

    def shown(place: int) -> str:
        bar = bars[place]
        prices = " ".join(map(instrument.text, (bar.open, bar.high, bar.low, bar.close)))
        return f"{_at(bar.open_ts)}: {prices} after {instrument.text(bars[place - 1].close)}"

    if spikes:
        words = "outliers: a high or low far from the bars before and after it"
        yield Finding(Flaw.SPIKE, len(spikes), words, first=_first(spikes, shown), grave=True)
    if steps:
        words = "opens far from the close before, inside a session"
        yield Finding(Flaw.STEP, len(steps), words, first=_first(steps, shown))


def _volumes(bars: Sequence[Bar], days: Sequence[SessionHours]) -> Iterator[Finding]:
    none = sum(bar.volume == 0 for bar in bars)
    if none:
        yield Finding(Flaw.NO_VOLUME, none, "bars without volume", grave=none > _MUCH * len(bars))
    flat = sum(bar.high == bar.low for bar in bars)
    if flat > _MUCH * len(bars):
        yield Finding(Flaw.FLAT, flat, "bars of one price: nothing can be filled in them", grave=True)
    means = [
        (day.open, sum(bar.volume for bar in bars[day.first : day.end]) / (day.end - day.first))
        for day in days
        if day.end > day.first
    ]
    first = list(_seams(means))
    if first:
        yield Finding(
            Flaw.VOLUME,
            len(first),
            "changes of the volume's level: another feed, so that no rule on volume holds across",
            first=tuple(f"{_at(ts)}: {ratio:.3g} times" for ts, ratio in first[:_SHOWN]),
            grave=True,
        )


def _seams(means: Sequence[tuple[int, float]]) -> Iterator[tuple[int, float]]:
    """Where the volume of a day goes over to another level, and how many times it is the one before: the
    middle of the days whose surroundings differ.
    """
    run: list[tuple[int, float]] = []
    for place in range(_DAYS, len(means) - _DAYS + 2):
        ratio = _ratio(means, place) if place <= len(means) - _DAYS else 1.0
        if ratio and not 1 / _LEVEL < ratio < _LEVEL:
            run.append((means[place][0], ratio))
        elif run:
            yield run[len(run) // 2]
            run = []


def _ratio(means: Sequence[tuple[int, float]], place: int) -> float:
    """How many times the volume of the days before it a day, and those behind it, have."""
    before = median(mean for _, mean in means[place - _DAYS : place])
    after = median(mean for _, mean in means[place : place + _DAYS])
    return after / before if before else 0.0


def _calendar(times: Sequence[int], calendar: Calendar) -> Finding | None:
    unknown = [
        year
        for year in range(calendar.trade_date(times[0]).year, calendar.trade_date(times[-1]).year + 1)
        if not calendar.known(calendar.trade_date(times[0]).replace(year=year, day=1))
    ]
    if not unknown:
        return None
    years = ", ".join(map(str, unknown))
    return Finding(
        Flaw.CALENDAR,
        len(unknown),
        f"years whose holidays are not known ({years}): a holiday counts as a gap",
    )


def _first(places: Iterable[int], shown: Callable[[int], str]) -> tuple[str, ...]:
    return tuple(shown(place) for place in list(places)[:_SHOWN])


def _at(ts: int) -> str:
    return f"{datetime.fromtimestamp(ts // NANOS, tz=UTC):%Y-%m-%d %H:%M}"
