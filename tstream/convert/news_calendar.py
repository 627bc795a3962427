"""Calendars of scheduled news as files: CSV with a head, or iCalendar (RFC 5545) with plain events.

Whoever wrote them is somebody else: sizes are bounded, names are cleaned, and what can't be read is told with
its line. Nothing is guessed: an event without a time is none.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from adapters.common.redaction import printable
from engine.model.blackouts import ScheduledNews
from engine.model.market import NANOS

MOST_BYTES = 1 << 20
MOST_EVENTS = 5_000
LONGEST_NAME = 60

_NAMES, _ZONES = ("event", "name", "title", "summary"), ("zone", "timezone", "tz")
_WHEN = ("when", "datetime")


class CalendarFileError(ValueError):
    """What is wrong with a file; the message names the line where there is one."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(f"line {line}: {message}" if line else message)


def scheduled_news(text: str, *, ics: bool, zone: str) -> tuple[ScheduledNews, ...]:
    """The events of a file, oldest first. `zone` is that of times that don't say their own. Raises
    CalendarFileError.
    """
    text = text.removeprefix("\ufeff")
    found = list(_ics(text, zone) if ics else _csv(text, zone))
    if len(found) > MOST_EVENTS:
        raise CalendarFileError(f"{len(found)} events, {MOST_EVENTS} are the most")
    return tuple(sorted(set(found), key=lambda event: (event.ts, event.name)))


def _event(name: str, when: datetime, zone: str, line: int) -> ScheduledNews:
    if when.tzinfo is None:
        when = when.replace(tzinfo=_zone(zone, line))
    cleaned = " ".join(printable(name).split())[:LONGEST_NAME]
    return ScheduledNews(int(when.timestamp()) * NANOS, cleaned or "news")


def _zone(name: str, line: int) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise CalendarFileError(f"no time zone is called {_shown(name)}", line) from None


def _shown(value: str) -> str:
    return repr(printable(value)[:LONGEST_NAME])


# --- CSV --------------------------------------------------------------------------------------------------


def _csv(text: str, zone: str) -> Iterator[ScheduledNews]:
    reader = csv.reader(text.splitlines())
    try:
        head = [column.strip().lower() for column in next(reader, [])]
        named = _column(head, _NAMES)
        when = _column(head, _WHEN, needed=False)
        day, time = (_column(head, (part,), needed=False) for part in ("date", "time"))
        zones = _column(head, _ZONES, needed=False)
        if when is None and (day is None or time is None):
            raise CalendarFileError("the head needs the columns date and time, or when", 1)
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            line = reader.line_num
            if len(row) < len(head):
                raise CalendarFileError(f"{len(row)} columns, the head has {len(head)}", line)
            told = row[when] if when is not None else f"{row[day or 0].strip()} {row[time or 0].strip()}"
            own = row[zones].strip() if zones is not None else ""
            yield _event(row[named or 0], _moment(told.strip(), line), own or zone, line)
    except csv.Error as error:
        raise CalendarFileError(f"{error}", reader.line_num) from None


def _column(head: Sequence[str], names: Sequence[str], *, needed: bool = True) -> int | None:
    at = next((head.index(name) for name in names if name in head), None)
    if at is None and needed:
        raise CalendarFileError(f"the head needs a column {' or '.join(names)}", 1)
    return at


def _moment(text: str, line: int) -> datetime:
    try:
        if len(text) > 10:  # a day alone is no time
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    raise CalendarFileError(f"{_shown(text)} is no date and time such as 2026-12-10 13:30", line)


# --- iCalendar --------------------------------------------------------------------------------------------


def _ics(text: str, zone: str) -> Iterator[ScheduledNews]:
    inside, begun, ended = False, 0, False
    name, when, own = "", None, zone
    for line, told in _unfolded(text):
        key, _, value = told.partition(":")
        word, *parameters = key.upper().split(";")
        if word == "BEGIN" and value.strip().upper() == "VEVENT":
            inside, begun, name, when, own = True, line, "", None, zone
        elif word == "END" and value.strip().upper() == "VEVENT":
            if when is not None:
                yield _event(name, when, own, begun)
            inside = False
        elif word == "END" and value.strip().upper() == "VCALENDAR":
            ended = True
        elif inside and word == "SUMMARY":
            name = value.replace("\\n", " ").replace("\\", "")
        elif inside and word == "RRULE":
            raise CalendarFileError("repeated events (RRULE) are not read: list each one", line)
        elif inside and word == "DTSTART" and "VALUE=DATE" not in parameters:
            own = next(
                (part[5:].strip('"') for part in key.split(";") if part.upper().startswith("TZID=")), zone
            )
            when = _stamp(value.strip(), line)
    if not ended:
        raise CalendarFileError("it is no whole iCalendar: END:VCALENDAR is missing")


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """The lines of content with the numbers of their first lines: those that begin with a blank go on the one
    before."""
    held, at = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if line[:1] in (" ", "\t"):
            held += line[1:]
            continue
        if held:
            yield at, held
        held, at = line, number
    if held:
        yield at, held


def _stamp(text: str, line: int) -> datetime:
    try:
        if text.endswith("Z"):
            return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return datetime.strptime(text, "%Y%m%dT%H%M%S")  # noqa: DTZ007  its zone stands beside it
    except ValueError:
        raise CalendarFileError(f"{_shown(text)} is no time such as 20261210T133000Z", line) from None
