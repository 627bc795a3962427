"""What all records have, and those of a run itself: it began, its time or its journal is odd."""

from __future__ import annotations

from msgspec import Struct

from engine.model.events import ClockFault
from engine.model.reload import Loosened, SettingChange

VERSION = 2


class Record(Struct, frozen=True, kw_only=True, tag=True, tag_field="record"):
    ts: int
    """The engine's now when it was decided, nanoseconds UTC."""
    v: int = VERSION


class RunStarted(Record, frozen=True, kw_only=True, tag="run_started"):
    install: str
    boot: int
    program: str


class ClockFound(Record, frozen=True, kw_only=True, tag="clock_found"):
    """Time did not go on as it should. Records' own times go on without a step."""

    fault: ClockFault
    by_ns: int
    wall_ts: int
    """The time that the calendar goes by from now on, nanoseconds UTC."""


class BotOut(Record, frozen=True, kw_only=True, tag="bot_out"):
    """A bot is not asked any more in this run. The next start takes it in again."""

    bot: str
    reason: str


class BotSwitched(Record, frozen=True, kw_only=True, tag="bot_switched"):
    """A bot was stopped, by a person or because it is behind its backtest, or started again; this outlasts
    the run.
    """

    bot: str
    running: bool
    by: str
    """Where the command came from; of its backtest, what that says."""


class RecordsLost(Record, frozen=True, kw_only=True, tag="records_lost"):
    """The journal has fewer records than were written: its -wal was damaged or deleted, or it is a copy."""

    count: int
    """0 where nobody knows how many."""
    restored_ns: int = 0
    """When the backup was made that took its place, nanoseconds UTC; 0 where none did."""


class SettingsChanged(Record, frozen=True, kw_only=True, tag="settings_changed"):
    """Settings were read again and are taken. A start takes them as they stand, and writes none of this."""

    by: str
    """Where that came from: "cli", "keyboard", or "folder", whose files were changed."""
    changes: tuple[SettingChange, ...] = ()
    waiting: tuple[str, ...] = ()
    """Keys that count from the next start on."""
    asked: tuple[Loosened, ...] = ()
    """Limits on live accounts that stay as they are until a person agrees."""


class LooseningAnswered(Record, frozen=True, kw_only=True, tag="loosening_answered"):
    """A person has said whether limits on live accounts are loosened."""

    by: str
    yes: bool
    loosened: tuple[Loosened, ...]
