"""Many backtests of one past with other parameters, on the cores of this machine or on a cluster."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from functools import lru_cache
from multiprocessing import get_context
from threading import Lock
from typing import Any, NamedTuple

from msgspec import Struct

from engine.lab.search import Axes, grid, picked
from engine.lab.sobol import BITS, MOST, sobol
from engine.lab.summary import Summary
from engine.portfolio.statistics import Statistics
from tstream.errors import CommandError, UsageError
from tstream.lab.asked import LabRequest, Params
from tstream.lab.past import RecordedPast, open_past
from tstream.lab.show import statistics_of
from tstream.lab.trial import instrument_of, run_trial, settings_of
from tstream.settings.model import Settings

MOST_TRIALS = 100_000
_loading = Lock()


class Trial(Struct, frozen=True):
    """One backtest of a sweep, or why it could not be played."""

    number: int
    """From 1, in the order in which they were asked for."""
    params: dict[str, str]
    summary: Summary | None = None
    statistics: Statistics | None = None
    nets: tuple[float, ...] = ()
    """Result of each trade, USD."""
    error: str = ""


class Plan(NamedTuple):
    """What is tried."""

    trials: list[dict[str, str]]
    combinations: int
    """How many there are in all."""


def axes_of(texts: Sequence[str]) -> dict[str, list[str]]:
    """Of "fast=5,10,20", and "fast=5..20" for every whole number from 5 to 20. Raises UsageError."""
    axes: dict[str, list[str]] = {}
    for text in texts:
        key, sign, told = text.partition("=")
        values = [part.strip() for part in told.split(",") if part.strip()]
        if not (sign and key.strip() and values):
            raise UsageError(f'"{text}" is no range: write key=a,b,c or key=5..20')
        if key.strip() in axes:
            raise UsageError(f"{key.strip()} is swept twice")
        axes[key.strip()] = list(dict.fromkeys(one for value in values for one in _spread(value)))
    return axes


def _spread(value: str) -> Iterator[str]:
    first, dots, last = value.partition("..")
    if not dots:
        yield value
        return
    try:
        low, high = int(first), int(last)
    except ValueError:
        raise UsageError(f'"{value}" is no range of whole numbers: write 5..20') from None
    if not low <= high < low + MOST_TRIALS:
        raise UsageError(f'"{value}" is empty or too long')
    yield from map(str, range(low, high + 1))


def plan_of(axes: Axes, search: str, trials: int | None, seed: int) -> Plan:
    """The parameters of every trial. Raises UsageError for what can't be."""
    count = 1
    for values in axes.values():
        count *= len(values)
    if search == "grid":
        if trials is not None:
            raise UsageError("--trials goes with --search random or sobol: grid tries all")
        if count > MOST_TRIALS:
            raise UsageError(f"{count:,} combinations are too many: take --search sobol --trials N")
        return Plan(list(grid(axes)), count)
    if trials is None:
        raise UsageError(f"--search {search} needs --trials N")
    chance = random.Random(seed)
    if search == "random":
        points: Iterator[Sequence[float]] = (tuple(chance.random() for _ in axes) for _ in iter(int, 1))
    elif len(axes) > MOST:
        raise UsageError(f"--search sobol takes {MOST} parameters at most, not {len(axes)}")
    else:
        points = sobol(len(axes), [chance.getrandbits(BITS) for _ in axes])
    return Plan(list(picked(axes, points, trials)), count)


@lru_cache(maxsize=1)
def _loaded(asked: LabRequest) -> tuple[RecordedPast, Settings]:
    settings = settings_of(asked)
    return open_past(asked, instrument_of(asked, settings)), settings


def _try(asked: LabRequest, number: int, params: Params) -> Trial:
    """One trial, in whatever process: each reads the past once."""
    try:
        with _loading:
            past, settings = _loaded(asked)
        found = run_trial(past, asked, settings, params)
    except CommandError as error:
        return Trial(number, dict(params), error="; ".join(error.lines))
    nets = tuple(float(trade.net_usd) for trade in found.trades)
    return Trial(number, dict(params), found.summary, statistics_of(found, past), nets)


def on_this_machine(
    asked: LabRequest, fixed: Params, trials: Sequence[Params], jobs: int, done: Callable[[Trial], None]
) -> list[Trial]:
    """Try all of them, so many at a time in processes of their own; `done` is told of each as it ends."""
    if jobs == 1:
        found = []
        for number, params in enumerate(trials, 1):
            found.append(_try(asked, number, {**fixed, **params}))
            done(found[-1])
        return found
    with ProcessPoolExecutor(min(jobs, len(trials)), mp_context=get_context("spawn")) as pool:
        futures: list[Future[Trial]] = [
            pool.submit(_try, asked, number, {**fixed, **params}) for number, params in enumerate(trials, 1)
        ]
        try:
            for future in as_completed(futures):
                done(future.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return [future.result() for future in futures]


def on_cluster(
    asked: LabRequest, fixed: Params, trials: Sequence[Params], address: str, done: Callable[[Trial], None]
) -> list[Trial]:
    """The same on the workers of a dask cluster, which find the tape under the same path.

    Raises UsageError.
    """
    try:
        from distributed import Client
        from distributed import as_completed as as_ended
    except ImportError:
        raise UsageError("--cluster needs dask.distributed: pip install 'tstream[cluster]'") from None
    try:
        client = Client(address, timeout=10)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise UsageError(f"no scheduler answers at {address}: {error}") from None
    with client:
        futures: list[Any] = [
            client.submit(_try, asked, number, {**fixed, **params}, pure=False)
            for number, params in enumerate(trials, 1)
        ]
        for future in as_ended(futures):  # type: ignore[no-untyped-call]
            done(future.result())
        return [future.result() for future in futures]


def best_first(trials: Sequence[Trial]) -> list[Trial]:
    """By net result; those that could not be played last."""
    played = [trial for trial in trials if trial.summary is not None]
    failed = [trial for trial in trials if trial.summary is None]
    return sorted(played, key=_net, reverse=True) + failed


def _net(trial: Trial) -> float:
    return float(trial.summary.net_usd) if trial.summary is not None else 0.0


def row_of(trial: Trial) -> Mapping[str, Any]:
    """One trial in plain values."""
    summary, found = trial.summary, trial.statistics
    row: dict[str, Any] = {"trial": trial.number, **trial.params}
    if summary is None or found is None:
        return {**row, "error": trial.error}
    return {
        **row,
        "trades": summary.trades,
        "net_usd": summary.net_usd,
        "win_rate": summary.win_rate,
        "profit_factor": summary.profit_factor,
        "sharpe": found.sharpe,
        "max_drawdown_usd": summary.max_drawdown_usd,
    }
