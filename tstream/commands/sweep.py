"""tstream backtest --sweep: every trial is counted and told, and what the best of so many is worth."""

from __future__ import annotations

import csv
import io
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from statistics import pvariance
from typing import Any, cast

import msgspec

from engine.lab.overfitting import deflated_sharpe, sums
from tstream.commands.backtest import write
from tstream.errors import UsageError
from tstream.lab.asked import LabRequest, Params
from tstream.lab.past import open_past
from tstream.lab.sweep import Plan, Trial, axes_of, best_first, on_cluster, on_this_machine, plan_of, row_of
from tstream.lab.trial import asked_of, instrument_of, opinion_of, settings_of
from tstream.output import Output
from tstream.reports.opinion_lines import IN_SAMPLE

_HEADS = {
    "trial": "#",
    "net_usd": "net USD",
    "win_rate": "won",
    "profit_factor": "PF",
    "max_drawdown_usd": "max DD USD",
}
"""Where a table has less room than a file."""
_WIDEST = 1000
"""Characters; more than a table has."""
_ERRORS = 5
"""Reasons why trials could not be played that are told; --json and --csv have each trial's."""


def sweep(
    asked: LabRequest,
    fixed: Params,
    texts: Sequence[str],
    *,
    search: str,
    trials: int | None,
    seed: int,
    jobs: int,
    cluster: str | None,
    as_json: bool,
    csv_file: Path | None,
) -> int:
    """Try them, best first in the table; gives the exit code: 1 where none could be played."""
    axes = axes_of(texts)
    if twice := sorted(set(axes) & set(fixed)):
        raise UsageError(f"{', '.join(twice)}: given by --param and by --sweep")
    plan = plan_of(axes, search, trials, seed)
    settings = settings_of(asked)
    past = open_past(asked, instrument_of(asked, settings))  # what is wrong is said once
    with asked_of(past, asked, opinion_of(settings, asked)) as opinion:
        in_sample = opinion.in_sample
    with _progress(len(plan.trials)) as done:
        if cluster is not None:
            found = on_cluster(asked, fixed, plan.trials, cluster, done)
        else:
            found = on_this_machine(asked, fixed, plan.trials, jobs, done)
    rows = [row_of(trial) for trial in best_first(found)]
    if in_sample:
        rows = [{**row, "in_sample": True} for row in rows]
    if csv_file is not None:
        write(csv_file, _csv(rows))
    if as_json:
        told = {"trials": len(found), "combinations": plan.combinations, "search": search, "seed": seed}
        whole = {**told, "deflated_sharpe": deflated(found), "in_sample": in_sample, "rows": rows}
        sys.stdout.write(msgspec.json.Encoder(decimal_format="number").encode(whole).decode() + "\n")
    elif csv_file is None or str(csv_file) != "-":
        _show(rows, found, plan, search, in_sample)
    return 0 if any(trial.summary is not None for trial in found) else 1


def deflated(trials: Sequence[Trial]) -> float | None:
    """The probability that the best of the trials, by net result, is better than the best of as many without
    an edge would be by luck alone (docs/discovery.md).
    """
    ratios = [sums(trial.nets).sharpe for trial in trials if len(trial.nets) > 1]
    best = best_first(trials)[0]
    if len(ratios) < 2:
        return None
    return deflated_sharpe(best.nets, len(trials), pvariance(ratios))


def _csv(rows: Sequence[Any]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    lines = csv.DictWriter(out, names, lineterminator="\n")
    lines.writeheader()
    lines.writerows(rows)
    return out.getvalue()


def _show(
    rows: Sequence[Mapping[str, Any]], trials: Sequence[Trial], plan: Plan, search: str, in_sample: str
) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False)
    params = trials[0].params
    varied = [name for name in params if len({trial.params[name] for trial in trials}) > 1]
    played = [row for row in rows if "error" not in row]
    if played:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        names = [name for name in played[0] if name not in params or name in varied]
        for name in names:
            table.add_column(_head(name, names), justify="right", no_wrap=True)
        for row in played:
            table.add_row(*(_cell(name, row[name]) for name in names))
        wanted = console.measure(table, options=console.options.update(width=_WIDEST)).maximum
        # A figure is never cut: where the terminal is too narrow it wraps.
        Console(highlight=False, markup=False, width=max(wanted, console.width)).print(table)
    if same := [f"{name}={value}" for name, value in params.items() if name not in varied]:
        console.print(f"in all: {', '.join(same)}", soft_wrap=True)
    words = f"{len(trials):,} trials by {search}, of {plan.combinations:,} combinations"
    failed = Counter(trial.error for trial in trials if trial.summary is None)
    console.print(words + (f"; {failed.total():,} could not be played" if failed else ""), soft_wrap=True)
    for error, times in failed.most_common(_ERRORS):
        console.print(f"  {times:,} of them: {error}", soft_wrap=True)
    if in_sample:
        told = f"{IN_SAMPLE}: {in_sample}: it has seen the answers, so these results prove nothing"
        console.print(told, soft_wrap=True)
    chance = deflated(trials)
    if chance is not None:
        text = "that the best is better than the best of as many by luck alone (deflated Sharpe)"
        console.print(f"{100 * chance:.0f} % is the probability {text}", soft_wrap=True)


def _head(name: str, names: Sequence[str]) -> str:
    """A column's name: without the tables that a parameter is in, where none other ends alike."""
    last = name.rpartition(".")[2]
    alone = sum(other.rpartition(".")[2] == last for other in names) == 1
    return _HEADS.get(name, last if alone else name)


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return value  # of a parameter, as it was asked for
    if name == "win_rate":
        return f"{100 * value:.0f} %"
    if name.endswith("_usd"):
        return f"{value:,.0f}"
    return f"{value:,.2f}" if isinstance(value, float | Decimal) else str(value)


@contextmanager
def _progress(count: int) -> Iterator[Callable[[Trial], None]]:
    """How many trials have ended, on stderr where that is a terminal."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    if not sys.stderr.isatty():
        yield lambda trial: None
        return
    columns = (TextColumn("trials"), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        Output(sys.stderr) as out,
        Progress(*columns, console=Console(file=cast("Any", out)), transient=True) as bar,
    ):
        task = bar.add_task("trials", total=count)
        yield lambda trial: bar.advance(task)
