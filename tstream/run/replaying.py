"""tstream replay: recordings through the cockpit in paced virtual time, with the bots of the settings.

The thread of the engine steps a virtual clock; there are no sockets, and no venue but the one in the process.
The journal is that of `run --headless --speed max` on the same recording.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from msgspec.structs import replace

from adapters.datasets.library import Library
from adapters.store.lock import InstanceLock, lock_name
from adapters.store.virtual import SyncJournal
from adapters.tapes.fields import TapeError
from adapters.tapes.inbox import NothingToldError
from adapters.tapes.recording import RECORDING_SUFFIX, read_header
from adapters.tapes.several import Played, Together, open_recordings, recordings_in
from adapters.tapes.tape import Tape, open_tape
from engine.lab.backtest import BarMarket
from engine.lab.own_hours import as_recorded
from engine.lab.replay import Replay
from engine.lab.summary import Summary
from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import CME, calendar_of
from engine.model.instrument import CME_FUTURES, Instrument
from engine.model.market import MINUTE, Timeframe
from engine.model.records import AnyRecord, encode
from engine.runtime.paced_replay import PacedReplay, Play
from engine.venue.fill_model import FillModel
from tstream.clock import wall_ns
from tstream.convert.opinion import opinion_config
from tstream.errors import UsageError
from tstream.lab.opinion import asked_in_past
from tstream.lab.past import dataset_of
from tstream.options import RunOptions
from tstream.output import Output
from tstream.paths import Paths, find
from tstream.run.cockpit import Cockpit, needs_terminal
from tstream.run.first_picture import FirstPicture, picture_of
from tstream.run.headless import in_words
from tstream.run.startup import check_theme, log_options, read_settings
from tstream.run.virtual import fresh_journal, summary_of, virtual_core
from tstream.settings.instruments import described
from tstream.settings.model import Settings

JOURNAL = "replay"
_DAY = 24 * 60 * MINUTE
_WEEK = 7 * _DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOptions:
    """One replay."""

    tapes: tuple[str, ...] = ()
    """Files, or names of datasets."""
    day: date | None = None
    """A trade date of which this installation has recordings; instead of tapes."""
    venue: str | None = None
    """Whose recordings, where several venues have some of that day."""
    contracts: tuple[str, ...] = ()
    """Of tables and archives one each, in order; of recordings of the inbox those wanted."""
    month: str | None = None
    stamp: str | None = None
    symbol: str | None = None
    zone: str | None = None
    speed: float | None = 1.0
    """Virtual seconds a real one; None as fast as it goes."""
    begins: str | None = None
    """HH:MM on the clock of the first contract's calendar: what was before passes at once."""
    look: RunOptions = field(default_factory=RunOptions)
    """How the screen is to look."""


def open_replay(config: Path | None, options: ReplayOptions) -> int:
    """Open the cockpit on recordings; the exit code. Raises CommandError, PortError."""
    needs_terminal()
    places, loaded = read_settings(config)
    source = source_of(options, places, loaded.settings)
    settings = with_contracts(loaded.settings, source.instruments)
    for name, key in ((options.look.theme, "--theme"), (settings.ui.theme, "ui.theme")):
        check_theme(name, key, places)
    places.create()
    run = ReplayRun(settings, source, options, places)
    picture = run.picture()
    with InstanceLock(places.runtime / lock_name(JOURNAL), JOURNAL, wall_ns):
        code = ReplayCockpit(config, options.look, places, run).show(picture)
    if run.summary is not None:
        with Output(sys.stdout) as out:
            out.write(in_words(run.summary, "the replay ended first"))
    return code


class ReplayCockpit(Cockpit):
    """The cockpit on a replay instead of an engine that trades."""

    replays = True

    def __init__(self, config: Path | None, look: RunOptions, places: Paths, run: ReplayRun) -> None:
        super().__init__(config, look, places)
        self._replay = run

    @property
    def alone(self) -> str:
        return "a replay trades nothing"

    def prepare(self) -> ReplayRun:
        self.logs.follow(log_options(self._replay.settings, self.paths))
        return self._replay


class ReplayRun:
    """What the engine's thread runs; the summary of it is there once it has ended."""

    def __init__(self, settings: Settings, source: Together, options: ReplayOptions, places: Paths) -> None:
        self.settings = settings
        self._source = source
        self._options = options
        self._places = places
        self._traded = {i.symbol: _terms(settings, i) for i in source.instruments}
        kinds = dict.fromkeys(i.calendar for i in self._traded.values())
        self._calendars = tuple(map(calendar_of, kinds))
        self._datasets = any(dataset_of(name) is not None for name in options.tapes)
        self._begins = self._since(self._calendars[0])
        self.summary: Summary | None = None

    def picture(self) -> FirstPicture:
        """What is shown before it plays."""
        return replace(picture_of(self.settings, JOURNAL), venue="replay", practice=True)

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[PacedReplay]:
        """The replay, its journal and its model open as long as it lasts. Raises FatalError."""
        source = self._source
        traded, calendars = self._traded, self._calendars
        model = FillModel(bar_ns=source.bar_ns)
        if self._datasets:
            model = model.on_whole_bars()
        use, span = opinion_config(self.settings).use, (source.start_ts, source.end_ts)
        with asked_in_past(use, self._places, span) as opinion, ExitStack() as open_files:

            def begin() -> Play:
                open_files.close()
                core = virtual_core(self.settings, tuple(traded.values()), "tape")
                journal = SyncJournal(fresh_journal(self._places, JOURNAL), install="tape")
                open_files.enter_context(journal)

                def keep(records: Sequence[AnyRecord]) -> None:
                    journal.append([encode(record) for record in records], journal.last_seq + 1)

                replay = Replay(core, traded, model, keep, predictor=opinion.predictor)
                steps = replay.stepwise(source.start_ts, source.history, source.events())
                return Play(core, replay, steps)

            playing = PacedReplay(
                begin,
                self._options.speed,
                since=self._begins,
                span=(source.start_ts, source.end_ts),
                is_open=lambda ts: any(calendar.is_open(ts) for calendar in calendars),
            )
            yield playing
        self.summary = summary_of(playing.core, model, opinion.in_sample)

    def _since(self, calendar: Calendar) -> int:
        """When play begins to be seen. Raises UsageError where the recording is over by then."""
        wanted, ts = self._options.begins, self._source.start_ts
        if wanted is None:
            return ts
        while calendar.hhmm(ts) != wanted:
            ts += MINUTE
            if ts >= min(self._source.end_ts, self._source.start_ts + _DAY):
                raise UsageError(
                    f"--from {wanted}: the recording has no {wanted} {calendar.clock_name} in it"
                )
        return ts


def source_of(options: ReplayOptions, places: Paths, settings: Settings) -> Together:
    """What is played. Raises UsageError."""
    if bool(options.tapes) == (options.day is not None):
        raise UsageError("say what is to be played: TAPE, or --date DAY of this installation's recordings")
    try:
        if options.day is not None:
            return Together(_recorded(options.day, options, places))
        return Together(_tapes(options, settings))
    except TapeError as error:
        raise UsageError(str(error)) from None


def _datasets(options: ReplayOptions, settings: Settings) -> list[Played]:
    """What is named is a dataset: bars are told as bars, so that none of it may be anything finer."""
    found: list[Played] = []
    library = Library(find().datasets)
    for name in options.tapes:
        dataset = dataset_of(name)
        if dataset is None:
            raise UsageError("a dataset is told in bars, and a tape in trades: play one kind at a time")
        if dataset.timeframe is not Timeframe.M1:
            raise UsageError(f"{name}: holds bars of {dataset.timeframe}; a replay is played on minutes")
        bars = tuple(library.bars(name))
        found.append(BarMarket(as_recorded(_terms(settings, dataset.instrument), bars), bars))
    return found


def _tapes(options: ReplayOptions, settings: Settings) -> list[Played]:
    if any(dataset_of(name) is not None for name in options.tapes):
        return _datasets(options, settings)
    files = [Path(name) for name in options.tapes]
    tables = [file for file in files if not file.name.lower().endswith(RECORDING_SUFFIX)]
    if tables and len(options.contracts) != len(tables):
        raise UsageError(
            f"give --contract for each of {len(tables)} tapes that do not say which product they hold"
            if len(tables) > 1
            else "give --contract NAME: a recording does not say which product it holds"
        )
    found: list[Played] = []
    names = iter(options.contracts)
    for file in files:
        if file in tables:
            instrument = _known(settings, next(names))
            found.append(
                open_tape(
                    file, instrument, options.month, options.stamp, symbol=options.symbol, zone=options.zone
                )
            )
        else:
            found += open_recordings([file], () if tables else options.contracts)
    return found


def _recorded(day: date, options: ReplayOptions, places: Paths) -> list[Tape]:
    """The contracts of the recordings of a trade date, at one venue; those begun up to a week before count
    with what they have of it.
    """
    bounds = CME.day_bounds(day)
    by_venue: dict[str, list[Tape]] = {}
    for folder in sorted(places.data.glob("*/tapes")):
        venue = folder.parent.name
        files = [
            file
            for file in recordings_in(folder)
            if bounds[0] - _WEEK < read_header(file).started < bounds[1]
        ]
        if files and options.venue in (None, venue):
            with suppress(NothingToldError):
                by_venue[venue] = open_recordings(files, options.contracts, bounds)
    if not by_venue:
        raise UsageError(
            f"nothing is recorded of {day}; [tape] record = true, or --record, records what a run hears"
        )
    if len(by_venue) > 1:
        raise UsageError(f"{day} is recorded of {', '.join(by_venue)}: say which, as in --venue NAME")
    return next(iter(by_venue.values()))


def _known(settings: Settings, symbol: str) -> Instrument:
    own = settings.instruments.get(symbol)
    if own is None and symbol not in CME_FUTURES:
        known = ", ".join((*CME_FUTURES, *settings.instruments))
        raise UsageError(f"unknown contract {symbol}; known are {known}")
    return described(symbol, own, settings.counts_as_usd)


def _terms(settings: Settings, instrument: Instrument) -> Instrument:
    """As the settings have it, where they know it; else as it was recorded."""
    known = instrument.symbol in CME_FUTURES or instrument.symbol in settings.instruments
    return _known(settings, instrument.symbol) if known else instrument


def with_contracts(settings: Settings, played: Sequence[Instrument]) -> Settings:
    """The settings, for what is played and nothing else; their secrets are known to the redactor already."""
    known = tuple(i.symbol for i in played if i.symbol in CME_FUTURES or i.symbol in settings.instruments)
    return settings.model_copy(update={"contracts": known})
