"""tstream discover: search recorded bars for edges, test what was found, say what it is worth."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from random import Random

import msgspec
from msgspec.structs import replace
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from adapters.common.files import replace_file
from engine.lab.edges.analysis import Analysis, Stage
from engine.lab.edges.candidates import EdgeFigures, Trials, trials
from engine.lab.edges.rules import EdgeRules
from engine.lab.edges.search import analyse, find, search
from engine.lab.edges.search import test as look_once
from engine.model.instrument import Instrument
from engine.model.market import NANOS, Bar, Timeframe
from tstream.clock import iso
from tstream.commands.looks import looked
from tstream.commands.recorded import recorded_bars
from tstream.errors import CommandError, UsageError

FILE = "edge_analysis_multiframe.json"
_LEAST_BARS = 500
_EVERY_NS = 3600 * NANOS
"""Of market time, between two steps of the progress bar."""
_ORDER = tuple(Stage)


def discover(
    source: str,
    contract: str,
    rules: EdgeRules,
    stage: Stage | None,
    *,
    seed: int,
    jobs: int,
    out: Path,
    as_json: bool,
    **how: str | None,
) -> int:
    """Search, or go on with a search that is written down; print what came of it; gives the exit code.

    `source` is a tape or the name of a dataset; for that `contract` may be empty. `stage` is the only step to
    do, None all of them. `how` is what open_tape takes: month, stamp, symbol, zone.
    """
    notes = Console(stderr=True, highlight=False)
    instrument, bars = recorded_bars(source, contract, notes, True, **how)
    rules = _checked(rules, bars)
    blank = Analysis(
        source=Path(source).name,
        instrument=instrument.symbol,
        bars=len(bars),
        bar_timeframe=bars[0].timeframe,
        start_ts=bars[0].open_ts,
        end_ts=bars[-1].close_ts,
        timeframes=rules.timeframes,
        seed=seed,
        error_rate=rules.error_rate,
        costs=rules.costs,
    )
    before = _to_go_on_with(_read(out), blank, stage, out) if stage in (Stage.TEST, Stage.ANALYSE) else None
    if before is None and out.exists():
        _read(out)  # what is no analysis is not overwritten
    if stage in (None, Stage.TEST):
        looks = looked(out.parent, blank)
        blank, before = replace(blank, looks=looks), before and replace(before, looks=looks)
    analysis = _searched(_tried(bars, instrument, rules, jobs, notes), rules, stage, blank, before)
    _write(out, analysis, rules)
    if as_json:
        sys.stdout.buffer.write(_encoded(analysis, rules))
    else:
        show(analysis, Console(highlight=False, markup=False))
        notes.print(f"written to {out}", markup=False)
    return 0


def _searched(
    tried: Trials, rules: EdgeRules, stage: Stage | None, blank: Analysis, before: Analysis | None
) -> Analysis:
    def chance() -> Random:
        return Random(blank.seed)

    if stage is Stage.TEST:
        assert before is not None
        return look_once(before, tried, rules, chance())
    if stage is Stage.ANALYSE:
        assert before is not None
        return analyse(before, tried, rules, chance())
    return find(tried, rules, blank) if stage is Stage.FIND else search(tried, rules, blank, chance)


def _checked(rules: EdgeRules, bars: Sequence[Bar]) -> EdgeRules:
    own = bars[0].timeframe
    if len(bars) < _LEAST_BARS:
        raise UsageError(f"{len(bars)} bars are too few to search: {_LEAST_BARS} at least")
    if wrong := [one for one in rules.timeframes if one.nanos % own.nanos]:
        raise UsageError(
            f"the bars are of {own}: those of {', '.join(wrong)} can't be made of them;"
            f" name others with --timeframes"
        )
    return rules


# -- trying ------------------------------------------------------------------------------------------------


def _tried(
    bars: Sequence[Bar], instrument: Instrument, rules: EdgeRules, jobs: int, notes: Console
) -> Trials:
    with _progress(rules, bars, notes) as moved:
        if min(jobs, len(rules.timeframes)) <= 1:
            found = [
                trials(bars, instrument, timeframe, rules, moved(timeframe)) for timeframe in rules.timeframes
            ]
        else:
            found = list(_in_processes(bars, instrument, rules, jobs, moved))
    return reduce(Trials.merged, found)


def _in_processes(
    bars: Sequence[Bar],
    instrument: Instrument,
    rules: EdgeRules,
    jobs: int,
    moved: Callable[[Timeframe], Callable[[int], None]],
) -> Iterator[Trials]:
    """The same results in the same order, whichever process is done first."""
    context = multiprocessing.get_context("spawn")
    packed = msgspec.msgpack.encode(bars)
    with ProcessPoolExecutor(min(jobs, len(rules.timeframes)), context, _unpack, (packed,)) as pool:
        running: dict[Future[Trials], Timeframe] = {
            pool.submit(_try, instrument, timeframe, rules): timeframe for timeframe in rules.timeframes
        }
        for done in as_completed(running):
            moved(running[done])(bars[-1].close_ts)
        for future in running:
            yield future.result()


_bars: list[Bar] = []
"""Of a process that helps: sent once, not with every task."""


def _unpack(packed: bytes) -> None:
    _bars[:] = msgspec.msgpack.decode(packed, type=list[Bar])


def _try(instrument: Instrument, timeframe: Timeframe, rules: EdgeRules) -> Trials:
    return trials(_bars, instrument, timeframe, rules)


@contextmanager
def _progress(
    rules: EdgeRules, bars: Sequence[Bar], notes: Console
) -> Iterator[Callable[[Timeframe], Callable[[int], None]]]:
    """Gives what makes a listener for each timeframe; it is told the market's time."""
    start, end = bars[0].open_ts, bars[-1].close_ts
    with Progress(console=notes, transient=True, disable=not notes.is_terminal) as shown:
        tasks = {one: shown.add_task(one, total=end - start) for one in rules.timeframes}

        def listener(timeframe: Timeframe) -> Callable[[int], None]:
            told = start

            def moved(ts: int) -> None:
                nonlocal told
                if ts - told >= _EVERY_NS or ts >= end:
                    told = ts
                    shown.update(tasks[timeframe], completed=ts - start)

            return moved

        yield listener


# -- the file ----------------------------------------------------------------------------------------------


def _read(out: Path) -> Analysis | None:
    try:
        return msgspec.json.decode(out.read_bytes(), type=Analysis)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"can't read {out}: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise UsageError(
            f"{out} is no analysis ({error}): move it away, or name another with --out"
        ) from None


def _to_go_on_with(before: Analysis | None, blank: Analysis, stage: Stage, out: Path) -> Analysis:
    """The analysis that a later step continues. Raises UsageError where that is no continuation."""
    earlier = _ORDER[_ORDER.index(stage) - 1]
    if before is None or _ORDER.index(before.stage) < _ORDER.index(earlier):
        raise UsageError(f"there is nothing to {stage} in {out}: --stage {earlier} comes first")
    if not before.same_search(blank):
        raise UsageError(f"{out} is of other bars or other settings: --stage {Stage.FIND} begins anew")
    return before


def _encoded(analysis: Analysis, rules: EdgeRules) -> bytes:
    """The analysis, and in front of it what a reader looks for first."""
    head = {
        "version": 1,
        "verdict": analysis.verdict,
        "from_utc": iso(analysis.start_ts),
        "split_utc": iso(analysis.split_ts),
        "to_utc": iso(analysis.end_ts),
        "validated_signals": [edge.signal for edge in analysis.validated],
        "thresholds": {one: rules.thresholds(one) for one in rules.timeframes},
    }
    body = msgspec.to_builtins(analysis)
    return msgspec.json.format(msgspec.json.encode(head | body)) + b"\n"


def _write(out: Path, analysis: Analysis, rules: EdgeRules) -> None:
    try:
        out.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(out, _encoded(analysis, rules))
    except OSError as error:
        raise CommandError(f"can't write {out}: {error.strerror}") from None


# -- words -------------------------------------------------------------------------------------------------


def show(analysis: Analysis, console: Console) -> None:
    """The shortlist as a table, then what the numbers say."""
    if analysis.edges:
        console.print(_table(analysis))
    for line in lines(analysis):
        console.print(line)


def _table(analysis: Analysis) -> Table:
    title = f"{analysis.instrument}, {iso(analysis.start_ts)[:10]} to {iso(analysis.end_ts)[:10]}"
    caption = (
        f"trades, won, R a trade net of costs; searched until {iso(analysis.split_ts)[:16]} UTC, tested after"
    )
    if not analysis.costs:
        caption = caption.replace("net of", "without")
    table = Table(title=title, caption=caption, title_justify="left", caption_justify="left", box=None)
    table.add_column("candidate")
    for name in ("searched", "tested", "p"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict")
    for edge in analysis.edges:
        p = "" if edge.p_holm is None else f"{edge.p_holm:.3f}"
        standing = "an edge" if analysis.validated else "stands"
        table.add_row(
            edge.signal, _brief(edge.in_sample), _brief(edge.out_of_sample), p, edge.failed or standing
        )
    return table


def _brief(part: EdgeFigures | None) -> str:
    """Trades, share won, mean result."""
    if part is None or part.win_rate is None or part.expectancy_r is None:
        return "" if part is None else "0"
    return f"{part.trades}  {part.win_rate:.0%}  {part.expectancy_r:+.2f}"


def lines(analysis: Analysis) -> Iterator[str]:
    """The verdict first."""
    yield analysis.verdict
    if analysis.looks > 1:
        yield (
            f"this time has been tested in by {analysis.looks} different searches:"
            f" p-values are multiplied by that"
        )
    overfitting = analysis.overfitting
    if overfitting is not None:
        yield (
            f"choosing the best of one half of the time: not above the middle in the other half in"
            f" {overfitting.probability:.0%} of {overfitting.splits} splits (chance: 50 %)"
        )
    walked = analysis.walk_forward
    if walked is not None and walked.result.expectancy_r is not None:
        yield (
            f"searching anew at {walked.folds} times and trading what was found: {walked.result.trades}"
            f" trades, {walked.result.expectancy_r:+.2f} R each (p {walked.p_value:.4f})"
        )
    elif walked is not None:
        yield f"searching anew at {walked.folds} times would have found nothing to trade"
