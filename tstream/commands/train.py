"""tstream train: gather, train, judge, keep; the answer in words, as JSON and as a page."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import Progress

from adapters.common.files import replace_file
from adapters.models.deep.learner import torch_library
from adapters.models.store import ModelStore
from adapters.models.train import library
from adapters.tapes.tape import Tape
from engine.books.bots import Bot
from engine.lab.training.rules import TrainingRules
from engine.lab.training.walk import Judgement
from engine.model.errors import FatalError
from engine.model.market import Timeframe
from engine.model.opinion import Barriers, ModelKind
from tstream import paths
from tstream.clock import iso, wall_ns
from tstream.commands.backtest import write
from tstream.commands.models import store_of
from tstream.errors import CommandError, UsageError
from tstream.lab.asked import LabRequest
from tstream.lab.gathering import PATTERNS, Gathered, gather, recordings
from tstream.lab.model_page import model_page
from tstream.lab.training import Trained, keep
from tstream.lab.training import train as run_training
from tstream.lab.trial import bots_of, settings_of
from tstream.reports.numbers import in_r, percent
from tstream.run.low_priority import bound_memory, step_back
from tstream.settings.load import load
from tstream.settings.training import TrainingSettings

NO_BETTER = 3
"""Exit code: it is no better than the rules alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """What is asked beside the data; None is as the settings have it."""

    model: ModelKind | None = None
    timeframe: str | None = None
    stop_atr: float | None = None
    target_r: float | None = None
    bars: int | None = None
    rules: str | None = None
    """What it is compared with."""
    memory_mb: int | None = None
    costs: bool = True
    error_rate: float = 0.05
    folds: int = 5
    seed: int = 1
    dry_run: bool = False
    promote: bool = True
    html: Path | None = None
    as_json: bool = False
    reason: str = ""
    """Why it is trained, where nobody typed the command."""
    config: Path | None = None


def train(asked: Sequence[LabRequest], how: How) -> int:
    """Do all of it, on what is asked for or on what the settings name; gives the exit code. Raises
    UsageError, SettingsError, CommandError, PortError.
    """
    places, now = paths.find(), wall_ns()
    settings = load(places, how.config).settings
    own = settings.training
    memory = how.memory_mb or own.memory_mb
    step_back()
    with suppress(FatalError):  # it is told where it is needed
        library()  # before memory is bounded: what it loads would end the process, and not say why
    notes, store, rules = Console(stderr=True, highlight=False), store_of(), rules_of(own, how)
    compared, kind = how.rules or own.rules, how.model or own.model
    if kind is ModelKind.DEEP:
        torch_library()  # what is missing is told before anything is read
    recorded: Sequence[Tape] = ()
    if not asked:
        asked = [LabRequest(tape=name, contract="", days=own.days, config=how.config) for name in own.sources]
        recorded = recordings(places, settings, now) if own.recordings else ()
        if not asked and not recorded:
            raise UsageError(
                "there is nothing to learn from: name recordings or datasets, or set training.sources",
                "tstream data fetch makes a dataset of a venue's history; [tape] record = true records runs",
            )
    try:
        with _progress(notes) as (moved, fitted):
            bound_memory(memory)
            gathered = gather(asked, rules, _bots(compared, how.config), moved, recorded)
            trained = run_training(
                gathered, rules, store, seed=how.seed, now=now, kind=kind, reason=how.reason, progress=fitted
            )
    except MemoryError:
        raise CommandError(
            f"{memory} MB were not enough: --memory gives it more, --days less to learn from"
        ) from None
    if not how.promote and trained.promoted:
        trained = _unpromoted(trained)
    page = model_page(trained, gathered, rules, compared)
    if how.html is not None:
        write(how.html, page)
    if not how.dry_run:
        _kept(trained, store, page, now)
    if how.as_json:
        sys.stdout.buffer.write(encoded(trained, gathered, dry_run=how.dry_run))
    else:
        for line in lines(trained, gathered, store, dry_run=how.dry_run):
            Console(highlight=False, markup=False).print(line, soft_wrap=True)
    return 0 if trained.judgement.better else NO_BETTER


def rules_of(own: TrainingSettings, how: How) -> TrainingRules:
    """What is learned and how it is judged: as asked, else as the settings have it."""
    barriers = own.barriers
    return TrainingRules(
        timeframe=own.timeframe if how.timeframe is None else Timeframe(how.timeframe),
        barriers=Barriers(
            how.stop_atr or barriers.stop_atr, how.target_r or barriers.target_r, how.bars or barriers.bars
        ),
        folds=how.folds,
        error_rate=how.error_rate,
        costs=how.costs,
    )


def _unpromoted(trained: Trained) -> Trained:
    return replace(trained, promoted=False, decision=f"--no-promote was asked; {trained.decision}")


def _bots(rules: str, config: Path | None) -> Callable[[], Sequence[Bot]] | None:
    """What makes the strategies that are the rules; each call new ones, as they remember."""
    if rules == PATTERNS:
        return None
    named = LabRequest(tape="", contract="", strategy=rules, config=config)
    settings = settings_of(named)
    bots_of(settings, named, {})  # an unknown one is told before anything is read
    return lambda: bots_of(settings, named, {})


def _kept(trained: Trained, store: ModelStore, page: str, now: int) -> None:
    found = keep(trained, store, now)
    if found is None:
        return
    try:
        replace_file(found.path.with_suffix(".html"), page.encode())
    except OSError as error:
        raise CommandError(f"the model is kept, its report is not: {error.strerror}") from None


@contextmanager
def _progress(
    notes: Console,
) -> Iterator[tuple[Callable[[str, float], None], Callable[[int, int], None]]]:
    """Bars on stderr where that is a terminal; gives who hears of reading and of fitting."""
    with Progress(console=notes, transient=True, disable=not notes.is_terminal) as shown:
        reading = shown.add_task("reading", total=1.0)
        fitting = shown.add_task("training", total=None, visible=False)

        def moved(source: str, share: float) -> None:
            shown.update(reading, description=f"reading {source}", completed=share)

        def fitted(done: int, of: int) -> None:
            shown.update(fitting, completed=done, total=of, visible=True)

        yield moved, fitted


# -- words -------------------------------------------------------------------------------------------------


def lines(trained: Trained, gathered: Gathered, store: ModelStore, *, dry_run: bool) -> Iterator[str]:
    """The verdict first."""
    judged = trained.judgement
    yield judged.verdict
    yield (
        f"  {len(gathered.examples):,} examples of {', '.join(gathered.instruments)},"
        f" {iso(gathered.start_ts)[:10]} to {iso(gathered.end_ts)[:10]}"
    )
    yield from _told(judged)
    if trained.beside:
        yield f"  kept            {trained.beside}"
    if trained.card is None:
        yield "nothing is kept: no model was made"
        return
    if dry_run:
        counts = "it would count" if trained.promoted else "it would not count"
        yield f"nothing is kept: {counts}; {trained.decision}"
        return
    yield f"kept as {trained.card.name}, with its report {store.folder / trained.card.name}.html"
    yield f"it {'counts from now on' if trained.promoted else 'does not count'}: {trained.decision}"


def _told(judged: Judgement) -> Iterator[str]:
    told = judged.probabilities
    if told is None:
        return
    for name, one in (("rules alone", judged.rules), ("with the model", judged.model)):
        yield (
            f"  {name:15} {one.trades:5,} trades, {in_r(one.mean_r)} each, {in_r(one.total_r)} in all,"
            f" worst fall {one.worst_fall_r:.1f} R"
        )
    yield (
        f"  probabilities   off by {percent(told.calibration_error)} on average, Brier"
        f" {told.brier:.4f} ({told.brier_of_base:.4f} for always saying {percent(told.base_rate)}), AUC"
        f" {'—' if told.auc is None else f'{told.auc:.3f}'}"
    )
    if judged.choice_p is not None and judged.deflated_sharpe is not None:
        yield (
            f"  chance          p {judged.choice_p:.4f} of so good a choice, deflated Sharpe probability"
            f" {judged.deflated_sharpe:.2f} of {judged.trials} trials"
        )
    if judged.overfitting is not None:
        yield "  overfitting     the best trial of one half is not above the middle in the other in" + (
            f" {judged.overfitting.probability:.0%} of {judged.overfitting.splits} splits"
        )


def encoded(trained: Trained, gathered: Gathered, *, dry_run: bool) -> bytes:
    """All of it as JSON."""
    body = {
        "verdict": trained.judgement.verdict,
        "better": trained.judgement.better,
        "promoted": trained.promoted and not dry_run,
        "decision": trained.decision,
        "dry_run": dry_run,
        "examples": len(gathered.examples),
        "beside": trained.beside,
        "card": trained.card,
        "duel": trained.duel,
        "importance": dict(trained.importance),
        "judgement": trained.judgement,
    }
    return msgspec.json.format(msgspec.json.encode(body)) + b"\n"
