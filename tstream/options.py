"""What is said on the command line about one run, beside the settings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

Speed = float | Literal["max"]
"""How many times faster than the world's clock; "max" runs in one process as fast as it can."""

FASTEST = 20.0
"""Over sockets time can't run faster than this."""

COMPLETION = "_TSTREAM_COMPLETE"
"""The variable in which a shell that asks for completions says so."""

FPS = (1, 30)
"""Frames a second that the cockpit can be given."""
RATE = (0.01, 100.0)
"""Of the generated market."""
ACCOUNTS, VENUES = (1, 20), (1, 4)
"""Of a practice run: accounts at each venue, and venues."""

_DURATION = re.compile(r"(?=\d)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """One run. Options from `seed` to `zone` shape the practice venue and need it."""

    seed: int | None = None
    """Of the generated market; None takes the default one."""
    duration_ns: int | None = None
    """End after so much venue time, nanoseconds; None runs until stopped."""
    speed: Speed = 1.0
    rate: float = 1.0
    """Multiplies the generated market's quotes and prints a second."""
    fresh: bool = False
    """Begin with a new practice account instead of the kept one."""
    faults: tuple[str, ...] = ()
    """How the practice venue misbehaves, each as NAME or NAME:key=value,... and known to be good."""
    tape: Path | None = None
    """A recorded market to play instead of the generated one."""
    contract: str | None = None
    """Which product the tape holds."""
    month: str | None = None
    """Contract month of the tape, YYYYMM; None takes the one with the most volume."""
    stamp: Literal["open", "close"] | None = None
    """Whether the tape's bars are stamped by their open or their close; None leaves it to the format."""
    symbol: str | None = None
    """Which of the contracts that a table names; None where it holds one."""
    zone: str | None = None
    """Time zone of a table whose times tell none."""
    readonly: bool = False
    """Look only: every key that trades is disabled."""
    fps: int | None = None
    theme: str | None = None
    venue: tuple[str, ...] = ()
    """Only these of the settings' venues; empty takes all that are enabled."""
    accounts: int | None = None
    """So many accounts at each practice venue; None takes those of the settings."""
    venues: int | None = None
    """So many practice venues, each a process of its own; None takes those of the settings."""
    record: bool | None = None
    """Record a tape; None leaves it to the settings."""
    api: bool | None = None
    """Serve the REST API; None leaves it to the settings."""
    demo: bool = False
    """Play: practice twins, or the testnet of a venue that is named, in a folder of their own."""
    bots: tuple[Path, ...] = ()
    """JSON files of bots, or folders of them, that run beside those of the settings."""

    def tape_choice(self) -> tuple[str | None, str | None, str | None, str | None]:
        """What of the tape is read, and how: month, stamp, symbol, zone."""
        return self.month, self.stamp, self.symbol, self.zone

    def practice_only(self) -> tuple[str, ...]:
        """The options given here that only the practice venue can honour."""
        given = {
            "--seed": self.seed is not None,
            "--speed": self.speed != 1.0,
            "--rate": self.rate != 1.0,
            "--fresh": self.fresh,
            "--fault": bool(self.faults),
            "--accounts": self.accounts is not None,
            "--venues": self.venues is not None,
            "--tape": self.tape is not None,
        }
        return tuple(name for name, is_given in given.items() if is_given)


def duration(text: str) -> int:
    """Nanoseconds of "90s", "10m", "2h" or "1h30m". Raises ValueError."""
    match = _DURATION.fullmatch(text.strip().lower())
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    total = hours * 3600 + minutes * 60 + seconds
    if not total:
        raise ValueError(f'"{text}" is no duration: write 90s, 10m, 2h or 1h30m')
    return total * 1_000_000_000


def speed(text: str) -> Speed:
    """A factor from 1 to 20, or max. Raises ValueError."""
    if text.strip().lower() == "max":
        return "max"
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 1 <= factor <= FASTEST:
        raise ValueError(f'"{text}" is no speed: write a number from 1 to {FASTEST:g}, or max')
    return factor


def pace(text: str) -> str:
    """Of a replay: a factor from 0.1 to 10,000, or max. Raises ValueError."""
    plain = text.strip().lower().removeprefix("×")
    if plain == "max":
        return plain
    try:
        factor = float(plain)
    except ValueError:
        factor = 0.0
    if not 0.1 <= factor <= 10_000:
        raise ValueError(f'"{text}" is no speed: write a number from 0.1 to 10000, or max')
    return plain


def day(text: str) -> date:
    """A date as YYYY-MM-DD. Raises ValueError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f'"{text}" is no date: write YYYY-MM-DD') from None


def hhmm(text: str) -> str:
    """A time of the day as HH:MM. Raises ValueError."""
    if not re.fullmatch(r"([01]?[0-9]|2[0-3]):[0-5][0-9]", text):
        raise ValueError(f'"{text}" is no time: write HH:MM, such as 08:30')
    return text.rjust(5, "0")


def contract(text: str) -> str:
    """The name of a product that tstream knows. Raises ValueError."""
    from difflib import get_close_matches

    from engine.model.instrument import CME_FUTURES

    symbol = text.strip().upper()
    if symbol in CME_FUTURES:
        return symbol
    alike = get_close_matches(symbol, CME_FUTURES, 1)
    hint = f"; did you mean {alike[0]}?" if alike else ""
    raise ValueError(f'unknown contract "{text}"; known are {", ".join(CME_FUTURES)}{hint}')


def symbol(text: str) -> str:
    """The name of an instrument, of whichever venue: "MNQ", "BTCUSDT@binance". Whether it is traded is for
    others to say. Raises ValueError.
    """
    name, at, venue = text.strip().partition("@")
    if (
        len(text) > 48
        or not re.fullmatch(r"[A-Z0-9][A-Z0-9._/-]*", name.upper())
        or (at and not venue.isascii())
    ):
        raise ValueError(f'"{text}" is no name of a contract: write one such as MNQ or BTCUSDT@binance')
    return f"{name.upper()}{at}{venue.lower()}"


def timeframe(text: str) -> str:
    """The name of a timeframe. Raises ValueError."""
    from engine.model.market import Timeframe

    if text.lower() not in list(Timeframe):
        raise ValueError(f'unknown timeframe "{text}"; known are {", ".join(Timeframe)}')
    return text.lower()


def timeframes(text: str) -> tuple[str, ...]:
    """The names of timeframes between commas, the shortest first, each once. Raises ValueError."""
    from engine.model.market import Timeframe

    named = {timeframe(word.strip()) for word in text.split(",") if word.strip()}
    if not named:
        raise ValueError("no timeframe is named: write 5m,15m")
    return tuple(one for one in Timeframe if one in named)


_STEPS = {"full": "all", "discovery": "find", "backtest": "test", "analyze": "analyse"}
"""What others call the steps of a search."""


def stage(text: str) -> str:
    """A step of a search for edges: find, test, analyse, or all. Raises ValueError."""
    word = text.strip().lower()
    step = _STEPS.get(word, word)
    if step not in ("find", "test", "analyse", "all"):
        raise ValueError(f'"{text}" is no step: write find, test, analyse or all')
    return step


def month(text: str) -> str:
    """A contract month as YYYYMM. Raises ValueError."""
    if not re.fullmatch(r"(19|20)[0-9]{2}(0[1-9]|1[0-2])", text):
        raise ValueError(f'"{text}" is no contract month: write YYYYMM, such as 201312')
    return text


def zone(text: str) -> str:
    """The name of a time zone. Raises ValueError."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, OSError, ValueError):
        raise ValueError(
            f'no time zone is called "{text}": write America/Chicago, Europe/Berlin, UTC'
        ) from None
