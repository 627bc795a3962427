"""Recorded bars for the commands of the lab, wherever they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console

from adapters.tapes.fields import TapeError
from adapters.tapes.tape import open_tape
from engine.market.calendars.known import calendar_of
from engine.market.candles import fold
from engine.model.instrument import Instrument
from engine.model.market import Bar, Timeframe
from tstream.errors import UsageError


def recorded_bars(
    source: Path, contract: str, notes: Console, **how: str | None
) -> tuple[Instrument, Sequence[Bar]]:
    """The finest bars of a recording, oldest first: its own, or minutes of its trades. Raises UsageError.

    `how` is what open_tape takes: month, stamp, symbol, zone.
    """
    try:
        with notes.status(f"reading {source.name}") if notes.is_terminal else nullcontext():
            tape = open_tape(source, contract, **how)  # type: ignore[arg-type]
            instrument = tape.instruments[0]
            if tape.kind == "bars":
                return instrument, tape.bars()
            calendar = calendar_of(instrument.calendar)
            return instrument, list(fold(tape.prints(), Timeframe.M1, calendar=calendar))
    except TapeError as error:
        raise UsageError(str(error)) from None
