"""The section [blackout]: times around scheduled news at which nothing is entered."""

from __future__ import annotations

from typing import Annotated

from pydantic import field_validator
from pydantic_settings import NoDecode

from tstream.settings.fields import CommaSeparated, Section, Whole, refuse, setting
from tstream.settings.sections import Zone


class BlackoutSettings(Section):
    """No entries around the events of a calendar (docs/safety.md#scheduled-news)."""

    file: str = setting(
        "",
        "The calendar, CSV or iCalendar; without a folder it lies beside the settings. Empty: none.",
        reload="live",
        allowed="a file that ends in .csv or .ics, or empty",
    )
    minutes_before: Whole = setting(
        5, "Minutes before an event from which on nothing is entered.", reload="live", ge=0, le=1440
    )
    minutes_after: Whole = setting(
        5, "Minutes after an event until which nothing is entered.", reload="live", ge=0, le=1440
    )
    zone: Zone = setting(
        "America/New_York",
        "Time zone of events that don't say their own.",
        reload="live",
        allowed='a time zone such as "America/New_York" or "UTC"',
    )
    words: Annotated[tuple[str, ...], NoDecode, CommaSeparated] = setting(
        (),
        'Only events with one of these words in their name count: ["CPI", "FOMC"]. Empty: all.',
        reload="live",
        allowed="a list of words",
    )

    @field_validator("file")
    @classmethod
    def _known(cls, file: str) -> str:
        if file and not file.lower().endswith((".csv", ".ics")):
            raise refuse("must end in .csv or .ics")
        return file
