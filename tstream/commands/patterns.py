"""tstream patterns: what patterns came to, from the journal; and which ones a recording shows."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from rich.console import Console
from rich.table import Table

from adapters.store.reading import stored
from engine.lab.pattern_scan import Instance, scan, tallied
from engine.market.calendars.known import calendar_of
from engine.model import records as r
from engine.model.instrument import Instrument
from engine.model.market import Timeframe
from engine.state.fold import apply
from engine.state.state import State
from engine.strategies.learning import Row, Tally, table
from tstream import paths
from tstream.commands.recorded import recorded_bars
from tstream.errors import CommandError, UsageError

_MARK = b'"record":"pattern_ended"'
LEAST = 10


def patterns(file: Path | None, contract: str | None, least: int, as_json: bool) -> int:
    """Print what is believed of each pattern; gives the exit code. Raises PortError, CommandError."""
    journal = file or paths.find().last_run()
    if journal is None:
        raise CommandError("there is no run yet; start tstream once")
    experience = _learned(journal)
    rows = table(experience, instruments=[contract] if contract else (), least=least)
    if as_json:
        sys.stdout.write(msgspec.json.encode([_plain(row) for row in rows]).decode() + "\n")
    elif not rows:
        count = sum(tally.count for tally in experience.values())
        told = f"{count} outcome{'s' * (count != 1)} in {journal}"
        sys.stdout.write(f"no pattern has {least} outcomes yet; {told} (--min-trades asks for fewer)\n")
    else:
        show_posterior(rows, Console(highlight=False))
    return 0


def _learned(journal: Path) -> Mapping[str, Tally]:
    """As the fold has it, from the records that it is made of."""
    state = State()
    for _, body in stored(journal):
        if _MARK in body:
            apply(state, r.decode(body))
    return state.experience


def _plain(row: Row) -> dict[str, object]:
    known = msgspec.structs.asdict(row.posterior)
    return {**row.key._asdict(), **{key: _rounded(value) for key, value in known.items()}}


def _rounded(value: object) -> object:
    return round(value, 4) if isinstance(value, float) else value


def show_posterior(rows: Sequence[Row], console: Console) -> None:
    found = _table()
    for name in ("pattern", "", "of", "regime"):
        found.add_column(name, no_wrap=True)
    for name in ("n", "won", "win %", "exp. R", "mean", "MAE", "MFE"):
        found.add_column(name, justify="right", no_wrap=True)
    for key, known in rows:
        found.add_row(
            key.kind.replace("_", " "),
            key.timeframe,
            key.instrument,
            key.regime,
            str(known.trades),
            str(known.wins),
            f"{100 * known.win_rate:.0f}±{100 * known.win_rate_sd:.0f}",
            f"{known.expectancy_r:+.2f}±{known.expectancy_sd:.2f}",
            _r(known.mean_r),
            _r(known.mae_r),
            _r(known.mfe_r),
        )
    console.print(found)
    console.print("win rate and expectancy are shrunk to no edge: 40 %, 0 R; ± is one deviation")


def _table() -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")


def _r(value: float | None) -> str:
    return "-" if value is None else f"{value:+.2f}"


# -- in a recording --------------------------------------------------------------------------------------


def scan_patterns(
    source: str,
    contract: str | None,
    day: str | None,
    timeframes: Sequence[str],
    as_json: bool,
    **how: str | None,
) -> int:
    """Print the patterns that a recording shows; gives the exit code. Raises UsageError, DatasetError."""
    notes = Console(stderr=True, highlight=False)
    instrument, bars = recorded_bars(source, contract or "", notes, False, **how)
    if not bars:
        raise UsageError(f"{source} holds no bars")
    start, end = _bounds(instrument, day, bars[0].open_ts, bars[-1].close_ts)
    try:
        found = scan(instrument, bars, [Timeframe(one) for one in timeframes], start, end)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if as_json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
        return 0
    console = Console(highlight=False)
    _show(found, instrument, console)
    rows = table(tallied(instrument.symbol, found))
    if rows:
        show_posterior(rows, console)
    return 0


def _bounds(instrument: Instrument, day: str | None, first: int, last: int) -> tuple[int, int]:
    """From when to when patterns are wanted, nanoseconds UTC: a trade date, or all that is recorded."""
    if day is None:
        return first, last + 1
    calendar = calendar_of(instrument.calendar)
    try:
        wanted = date.fromisoformat(day)
    except ValueError:
        raise UsageError(f"--date {day}: must be a date such as 2026-06-29") from None
    start, end = calendar.day_bounds(wanted)
    if end <= first or start >= last:
        days = f"{calendar.trade_date(first)} to {calendar.trade_date(last - 1)}"
        raise UsageError(f"--date {day}: the recording holds {days}")
    return start, end


def _show(found: Sequence[Instance], instrument: Instrument, console: Console) -> None:
    calendar = calendar_of(instrument.calendar)
    zone = ZoneInfo(calendar.zone)
    console.print(f"{instrument.symbol}: {len(found)} patterns, times are {calendar.clock_mark}")
    shown = _table()
    for name in ("known", "", "pattern", "", "price", "entry", "outcome", "R"):
        shown.add_column(name, justify="right" if name in ("price", "entry", "R") else "left", no_wrap=True)
    for one in found:
        seen, outcome = one.pattern, one.outcome
        known = datetime.fromtimestamp(seen.known_at // 10**9, zone)
        shown.add_row(
            f"{known:%m-%d %H:%M}",
            seen.timeframe,
            seen.kind.replace("_", " "),
            {1: "▲", -1: "▼"}.get(seen.direction, "·"),
            instrument.text(seen.price),
            instrument.text(outcome.entry) if outcome is not None else "-",
            outcome.how if outcome is not None else "-",
            f"{Decimal(outcome.r):+.2f}" if outcome is not None else "-",
        )
    console.print(shown)
