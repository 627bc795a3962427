"""What the cockpit's screen means, read as a person reads it."""

from __future__ import annotations

from tests.e2e.terminal import Cockpit

CLOCK = r"\b(\d\d):(\d\d):(\d\d)\b"
HELD = r"\b(?:LONG|SHORT)\b"


def seconds_of(cockpit: Cockpit) -> int:
    """The clock in the status bar, seconds since midnight in Chicago."""
    hours, minutes, seconds = cockpit.wait_for(CLOCK).groups()
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds)


def price_of(cockpit: Cockpit, contract: str) -> str:
    """A contract's last price."""
    return cockpit.wait_for(rf"\b{contract}(?:[A-Z]\d)? +([\d.,]+)")[1]
