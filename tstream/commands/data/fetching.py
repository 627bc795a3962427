"""tstream data fetch: a venue's history becomes a dataset, or is added to one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.datasets.library import Library, checked
from engine.model.datasets import Source
from engine.model.instrument import Instrument
from engine.model.market import MINUTE, Bar, Timeframe
from engine.ports import Clock, OpenVenue
from tstream import paths
from tstream.clock import wall_ns
from tstream.commands.data.keeping import Batch, card, merged, of
from tstream.commands.data.report import show
from tstream.convert.venues import on_practice, venue_asked
from tstream.errors import SettingsError, UsageError
from tstream.run.startup import read_settings, with_practice_of
from tstream.settings.instruments import known_terms
from tstream.settings.load import login_problems
from tstream.settings.model import Settings
from tstream.venues import known

if TYPE_CHECKING:
    from rich.console import Console

_DAY = 24 * 60 * MINUTE
_DAYS_AT_ONCE = 10
"""Of minutes: one request, which may answer with 20,000 bars. The venue's rate budget spaces the requests."""


def fetch(
    venue: str | None,
    contract: str,
    days: int,
    timeframe: str,
    name: str | None,
    config: Path | None,
    *,
    as_json: bool,
) -> int:
    """Ask, merge and report; the exit code. Raises UsageError, SettingsError, PortError."""
    from rich.console import Console

    settings = read_settings(config)[1].settings
    frame = Timeframe(timeframe)
    if frame.by_calendar:
        raise UsageError(
            f"a venue gives bars of up to 1h: those of {frame} are made of them, as by data export"
        )
    if venue is not None and known.is_known(venue) and not _of_kind(settings, venue):
        settings = with_practice_of(settings, (venue,)).narrowed((venue,))
    where = _venue(settings, venue)
    terms = {**known_terms(settings.venues), **settings.instruments}
    if contract not in terms:
        raise UsageError(f"unknown contract {contract}; known are {', '.join(terms)}")
    own = settings.model_copy(update={"contracts": (contract,)})
    instrument = own.instrument_table()[0]
    title = checked(name or f"{contract}-{frame}".lower())
    notes = Console(stderr=True)
    with _progress(notes, where, contract, days) as moved:
        month, bars = asyncio.run(_ask(own, where, instrument, days, frame, moved))
    if not bars:
        raise UsageError(f"{where} has no bars of {contract} in the last {days} days")
    library = Library(paths.find().datasets)
    batch = Batch(bars, [month] * len(bars), len(bars), (), (Source(f"{where} {month}", stamp="open"),))
    added = len(bars)
    if library.has(title):
        there = library.find(title)
        batch, added = merged(there, of(library, there), batch, instrument)
    dataset = library.save(card(title, instrument, batch), batch.bars, batch.contracts)
    notes.print(f"{added:,} bars are new to {title}", markup=False, highlight=False)
    show(dataset, as_json=as_json)
    return 0


def _of_kind(settings: Settings, kind: str) -> bool:
    """Whether a venue of the settings is of a kind, or is a gateway as "projectx" means it."""
    return any(
        kind in (name, one.kind) or (kind == "projectx" and not one.practice)
        for name, one in settings.active.items()
    )


def _venue(settings: Settings, wanted: str | None) -> str:
    """The venue of the settings by its name, or by its kind where there is one of it. Raises UsageError."""
    active = settings.active
    alike = [name for name, one in active.items() if wanted in (None, name, str(one.kind))]
    if wanted in active:
        alike = [wanted]
    if wanted == "projectx" and not alike:
        alike = [name for name, one in active.items() if not one.practice]
    if len(alike) != 1:
        raise UsageError(
            f"say which venue, as in --venue {next(iter(active))}; the settings have {', '.join(active)}"
        )
    (name,) = alike
    if wrong := login_problems(settings, name):
        raise SettingsError(wrong)
    return name


async def _ask(
    settings: Settings,
    name: str,
    instrument: Instrument,
    days: int,
    frame: Timeframe,
    moved: Callable[[float], None],
) -> tuple[str, list[Bar]]:
    """The name of the contract month, and its closed bars, oldest first."""
    async with _opened(settings, name) as (venue, clock):
        assert venue.feed is not None, f"{name} has no prices"
        month = await settings.venues[name].about.contract_name(venue, instrument)
        now = clock()
        start = now - days * _DAY
        step = _DAYS_AT_ONCE * _DAY * frame.minutes
        found: list[Bar] = []
        for begins in range(start, now, step):
            upto = min(begins + step, now)
            found += await venue.feed.history(instrument.symbol, begins, upto, frame)
            moved((upto - start) / _DAY)
        return month, found


@asynccontextmanager
async def _opened(settings: Settings, name: str) -> AsyncIterator[tuple[OpenVenue, Clock]]:
    """A login of a venue, or of a practice venue that lives as long as the question; and its clock."""
    section = settings.venues[name]
    async with AsyncExitStack() as stack:
        asked = venue_asked(settings, name, wall_ns)
        if section.practice:
            assert section.about.practice is not None
            asked = on_practice(asked, await stack.enter_async_context(section.about.practice.open(1)))
        venue = section.about.make(asked)
        stack.push_async_callback(venue.close)
        yield venue, asked.clock


@contextmanager
def _progress(notes: Console, venue: str, contract: str, days: int) -> Iterator[Callable[[float], None]]:
    """A bar on stderr where that is a terminal; gives what to call with the days that are there."""
    from rich.progress import Progress

    if not notes.is_terminal:
        yield lambda done: None
        return
    with Progress(console=notes, transient=True) as bar:
        task = bar.add_task(f"{contract} from {venue}", total=days)
        yield lambda done: bar.update(task, completed=done)
