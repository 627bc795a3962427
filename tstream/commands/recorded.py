"""Recorded bars for the commands of the lab, wherever they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

from rich.console import Console

from adapters.datasets.library import Library
from adapters.tapes.fields import TapeError
from adapters.tapes.tape import open_tape
from engine.market.calendars.known import calendar_of
from engine.market.candles import fold
from engine.model.instrument import Instrument
from engine.model.market import Bar, Timeframe
from tstream.errors import UsageError
from tstream.lab.asked import LabRequest
from tstream.lab.past import dataset_of, with_contract
from tstream.paths import find


def recorded_bars(
    source: str, contract: str, notes: Console, adjusted: bool, /, **how: str | None
) -> tuple[Instrument, Sequence[Bar]]:
    """The finest bars of a tape or a dataset, oldest first: its own, or minutes of its trades.

    `contract` may be empty for a dataset; `adjusted` takes the steps out of one where the contract changes.
    `how` is what open_tape takes: month, stamp, symbol, zone. Raises UsageError; DatasetError for a dataset
    that is not whole.
    """
    asked = with_contract(LabRequest(tape=source, contract=contract))
    with notes.status(f"reading {source}") if notes.is_terminal else nullcontext():
        dataset = dataset_of(source)
        if dataset is not None:
            library = Library(find().datasets)
            return dataset.instrument, tuple(library.bars(dataset.name, adjusted=adjusted))
        try:
            tape = open_tape(source, asked.contract, **how)  # type: ignore[arg-type]
            instrument = tape.instruments[0]
            if tape.kind == "bars":
                return instrument, tape.bars()
            calendar = calendar_of(instrument.calendar)
            return instrument, list(fold(tape.prints(), Timeframe.M1, calendar=calendar))
        except TapeError as error:
            raise UsageError(str(error)) from None
