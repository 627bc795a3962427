"""Calendars of scheduled news: what is read of a file, what is wrong with one, and how settings name it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.model.blackouts import Blackouts, ScheduledNews
from engine.model.market import MINUTE, NANOS
from tstream.convert.blackouts import blackouts
from tstream.convert.news_calendar import MOST_EVENTS, CalendarFileError, scheduled_news
from tstream.errors import SettingsError
from tstream.settings.blackout import BlackoutSettings
from tstream.settings.model import Settings

NEW_YORK = "America/New_York"


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * NANOS


CPI, FOMC = ScheduledNews(at("2026-12-10 13:30"), "CPI"), ScheduledNews(at("2026-12-16 19:00"), "FOMC")
ICS = """BEGIN:VCALENDAR
BEGIN:VEVENT
SUMMARY:FO
 MC
DTSTART;TZID="America/New_York":20261216T140000
END:VEVENT
BEGIN:VEVENT
DTSTART:20261210T133000Z
SUMMARY:C\\,PI
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20261225
SUMMARY:Christmas
END:VEVENT
END:VCALENDAR
"""


@pytest.mark.parametrize(
    "text",
    [
        "date,time,event\n2026-12-16,14:00,FOMC\n\n2026-12-10,08:30,CPI\n",
        "\ufeffDate,Time,Zone,Currency,Event,Impact\n2026-12-10,07:30,America/Chicago,USD,CPI,high\n"
        "2026-12-16,14:00,,USD,FOMC,high\n",
        "when,title\n2026-12-10T13:30:00+00:00,CPI\n2026-12-16 14:00:00,FOMC\n2026-12-16 14:00:00,FOMC\n",
    ],
)
def test_csv_by_its_head(text: str) -> None:
    assert scheduled_news(text, ics=False, zone=NEW_YORK) == (CPI, FOMC)


def test_icalendar_with_zones_folded_lines_and_whole_days_left_out() -> None:
    told = scheduled_news(ICS, ics=True, zone="UTC")
    assert told == (ScheduledNews(CPI.ts, "C,PI"), FOMC)
    assert scheduled_news(ICS.replace("\n", "\r\n"), ics=True, zone="UTC") == told


def test_names_are_cleaned_and_short() -> None:
    (one,) = scheduled_news(f"when,event\n2026-12-10 08:30,\x1b[2J{'x' * 99}", ics=False, zone=NEW_YORK)
    assert "\x1b" not in one.name
    assert len(one.name) <= 60


@pytest.mark.parametrize(
    ("text", "ics", "problem"),
    [
        ("", False, "line 1: the head needs a column event"),
        ("event,date\nCPI,2026-12-10", False, "line 1: the head needs the columns date and time"),
        ("date,time,event\n2026-12-10,08:30,CPI\n10.12.,8:30,PPI", False, "line 3: '10.12. 8:30' is no date"),
        ("date,time,event\n2026-12-10,,CPI", False, "line 2: '2026-12-10' is no date"),
        ("date,time,event\n2026-12-10,08:30", False, "line 2: 2 columns, the head has 3"),
        ("when,zone,event\n2026-12-10 08:30,Mars,CPI", False, "line 2: no time zone is called 'Mars'"),
        ("when,event\n" + "2026-12-10 08:30,CPI\n" * (MOST_EVENTS + 1), False, "5000 are the most"),
        (ICS.replace("20261210T133000Z", "tomorrow"), True, "line 8: 'tomorrow' is no time"),
        (ICS.replace("SUMMARY:C", "RRULE:FREQ=WEEKLY\nSUMMARY:C"), True, "line 9: repeated events"),
        (ICS.replace("END:VCALENDAR", ""), True, "END:VCALENDAR is missing"),
        (ICS.replace("America/New_York", "../etc/passwd"), True, "line 2: no time zone is called"),
    ],
)
def test_what_can_not_be_read_is_told_with_its_line(text: str, ics: bool, problem: str) -> None:
    with pytest.raises(CalendarFileError) as caught:
        scheduled_news(text, ics=ics, zone=NEW_YORK)
    assert problem in str(caught.value)


def test_the_time_around_an_event_and_where_it_ends() -> None:
    near = ScheduledNews(CPI.ts + 12 * MINUTE, "speech")
    plan = Blackouts((CPI, near, FOMC), before_ns=10 * MINUTE, after_ns=5 * MINUTE)
    found = {
        minute: (plan.at(CPI.ts + minute * MINUTE), plan.until(CPI.ts + minute * MINUTE))
        for minute in (-11, -10, 0, 1, 2, 4, 5, 16, 17)
    }
    ends = near.ts + 5 * MINUTE
    assert found == {
        -11: (None, None),
        -10: (CPI, ends),
        0: (CPI, ends),
        1: (CPI, ends),
        2: (near, ends),
        4: (near, ends),
        5: (near, ends),
        16: (near, ends),
        17: (None, None),
    }
    assert Blackouts().at(CPI.ts) is None


def test_the_settings_name_the_file_and_what_is_wrong_with_it(tmp_path: Path) -> None:
    def read(**keys: object) -> Blackouts:
        return blackouts(Settings(blackout=BlackoutSettings.model_validate(keys)), tmp_path)

    (tmp_path / "news.csv").write_text("when,event\n2026-12-10 08:30,CPI\n2026-12-16 14:00,FOMC\n")
    assert read() == Blackouts()
    assert read(file="news.csv", minutes_before=2, minutes_after=30, words=["fomc"]) == Blackouts(
        (FOMC,), 2 * MINUTE, 30 * MINUTE
    )
    for file, problem in (("gone.csv", "No such file"), ("odd.ics", "END:VCALENDAR"), ("big.csv", "longer")):
        (tmp_path / "odd.ics").write_text("odd")
        (tmp_path / "big.csv").write_bytes(b"x" * (1 << 21))
        with pytest.raises(SettingsError, match=problem) as caught:
            read(file=file)
        assert caught.value.problems[0].key == "blackout.file"
