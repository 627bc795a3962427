"""tstream why: what was seen of a contract at a time, and why it was traded or not."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from rich.console import Console
from rich.text import Text

from adapters.store.reading import stored
from engine.lab.seen import Seen, look_back
from engine.market.calendars.known import calendar_of
from engine.market.intervals import Interval, interval_at
from engine.model import records as r
from engine.model.errors import JournalError
from engine.model.instrument import CME_FUTURES, Instrument
from engine.model.market import NANOS, Timeframe
from engine.state.fold import apply
from engine.state.state import State
from engine.strategies.learning import Tally
from tstream import paths
from tstream.commands.recorded import recorded_bars
from tstream.convert.bots import bots
from tstream.errors import CommandError, UsageError
from tstream.reports.numbers import clock
from tstream.reports.tables import show
from tstream.reports.why import Story, tell_why
from tstream.reports.why_words import seen_words, story_words
from tstream.settings.load import load


def why(
    at: datetime,
    contract: str,
    timeframe: str,
    zone: str | None,
    book: str | None,
    as_json: bool,
    journal: Path | None,
    tape: str | None,
    **how: str | None,
) -> int:
    """Tell it. `at` without a zone is of `zone`, else by the clock of the contract's calendar. With a `tape`,
    or the name of a dataset, also what its bars showed; `how` is what open_tape takes beside the zone.

    Raises CommandError, PortError.
    """
    file = journal or paths.find().last_run()
    known = _instruments(file) if file is not None else {}
    instrument = known.get(contract) or (CME_FUTURES.get(contract) if tape is not None else None)
    if instrument is None and file is None:
        raise CommandError("there is no run yet; start tstream once, or give a recording: --tape FILE")
    if instrument is None:
        raise UsageError(f"the journal has no contract {contract}; it has {', '.join(known) or 'none yet'}")
    calendar, frame = calendar_of(instrument.calendar), Timeframe(timeframe)
    place = zone or calendar.zone
    when = at if at.tzinfo is not None else at.replace(tzinfo=ZoneInfo(place))
    bar = interval_at(int(when.timestamp()) * NANOS, frame, calendar)
    if bar is None:
        raise UsageError(f"{contract} has no {timeframe} bar at {when:%F %H:%M}: its market is closed")
    story = None
    if file is not None and contract in known:
        story = tell_why(stored(file), contract, bar, book)
    seen = None
    if tape is not None:
        experience = {} if file is None else _learned(file, bar[0])
        seen = _seen(tape, contract, frame, bar, experience, zone=zone, **how)
    if as_json:
        told = {**msgspec.structs.asdict(story or Story(bar)), "seen": seen}
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(told), indent=2).decode() + "\n")
        return 0
    begin, end = (clock(ts, place) for ts in bar)
    mark = calendar.clock_mark if place == calendar.zone else place
    title = f"{contract} {timeframe}, {begin} to {end[11:]} {mark}"
    show(Text(title, "bold") if story is None else story_words(story, title, place))
    if seen is not None:
        show(seen_words(seen, instrument, place))
    return 0


def _seen(
    tape: str,
    contract: str,
    timeframe: Timeframe,
    bar: Interval,
    experience: Mapping[str, Tally],
    **how: str | None,
) -> Seen:
    instrument, minutes = recorded_bars(tape, contract, Console(stderr=True), False, **how)
    if instrument.symbol != contract:
        raise UsageError(f"{tape} holds {instrument.symbol}, not {contract}")
    if minutes and minutes[0].timeframe is not Timeframe.M1:
        raise UsageError(f"{tape} holds bars of {minutes[0].timeframe}; minutes are needed")
    settings = load(paths.find()).settings
    return look_back(instrument, minutes, bar, timeframe, bots(settings, anywhere=True), experience)


def _learned(file: Path, until_ts: int) -> Mapping[str, Tally]:
    """How patterns had ended by a time, nanoseconds UTC, as the fold has it."""
    state = State()
    for _, raw in stored(file):
        if b'"pattern_ended"' in raw:
            record = r.decode(raw)
            if record.ts < until_ts:
                apply(state, record)
    return state.experience


def _instruments(file: Path) -> dict[str, Instrument]:
    """As the journal knows them by now."""
    known: dict[str, Instrument] = {}
    for _, raw in stored(file):
        if b'"contract_known"' in raw:
            try:
                record = r.decode(raw)
            except JournalError:
                continue  # whoever folds it says which record it is
            if isinstance(record, r.ContractKnown):
                known[record.instrument.symbol] = record.instrument
    return known
