"""The training as a whole: walk forward, calibrate on what was held out, judge on what nobody has seen
(docs/models.md#out-of-sample).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import variance
from typing import Protocol

from msgspec import Struct

from engine.lab.overfitting import Overfitting, Sums, backtest_overfitting, deflated_sharpe, sums
from engine.lab.significance import Chance, sign_flip_p
from engine.lab.training.examples import Examples
from engine.lab.training.folds import TrainingFold, kept_fold, training_folds
from engine.lab.training.gain import Traded, choice_p, traded
from engine.lab.training.labels import class_weights, uniqueness
from engine.lab.training.probabilities import (
    Bin,
    Table,
    auc,
    brier,
    calibration_error,
    isotonic,
    lift,
    log_loss,
    reliability,
)
from engine.lab.training.rules import AnySetting, TrainingRules
from engine.model.opinion import straight_between

LEAST_EXAMPLES = 400
"""With fewer nothing is tried."""
_BINS, _A_BIN = (4, 10), 250
"""Parts of the reliability curve, and how many outcomes each should have: fewer are off by chance."""
_LEAST_PART = 50
"""Examples that each part of a fold must have."""


class Fitted(Protocol):
    """A learner's result."""

    def raw(self, positions: Sequence[int]) -> Sequence[float]:
        """Its outputs for examples, rising with the chance of a hit."""


class Learner(Protocol):
    """What can be fitted to examples that it was given when it was made; the same call, the same result."""

    def fit(self, positions: Sequence[int], weights: Sequence[float], setting: AnySetting) -> Fitted: ...


class Probabilities(Struct, frozen=True):
    """How good predictions were, out of sample; None where that needs more of them."""

    outcomes: int
    base_rate: float
    """How often the target came first."""
    bins: tuple[Bin, ...]
    calibration_error: float | None
    brier: float | None
    brier_of_base: float
    """What always saying the base rate would score."""
    log_loss: float | None
    auc: float | None
    lift: float | None
    """Of the most probable tenth."""


class Judgement(Struct, frozen=True):
    """What a training came to, out of sample."""

    better: bool
    """Than the rules alone."""
    verdict: str
    """For people."""
    probabilities: Probabilities | None = None
    rules: Traded = traded(())
    model: Traded = traded(())
    choice_p: float | None = None
    """That a blind choice among the rules' trades would have done as well."""
    mean_p: float | None = None
    """That the trades taken make nothing."""
    deflated_sharpe: float | None = None
    overfitting: Overfitting | None = None
    trials: int = 0
    rules_curve: tuple[tuple[int, float], ...] = ()
    """(time, sum in R) of the trades, one at a time."""
    model_curve: tuple[tuple[int, float], ...] = ()


class FinalModel(Struct, frozen=True):
    """The model that was fitted to everything, and how its outputs become probabilities."""

    fitted: Fitted
    setting: AnySetting
    calibration: Table
    mean_win_r: float
    mean_loss_r: float

    @property
    def threshold(self) -> float:
        """The probability from which on a trade promises something."""
        return break_even(self.mean_win_r, self.mean_loss_r)


class Walked(Struct, frozen=True):
    """All of it."""

    judgement: Judgement
    kept: FinalModel | None
    """None where there were too few examples."""
    tested: tuple[int, ...]
    """Positions of the examples that were predicted out of sample, rising."""
    predicted: tuple[float, ...]
    """Their probabilities, in the same order."""


def break_even(mean_win_r: float, mean_loss_r: float) -> float:
    """The probability at which wins and losses of these means cancel, 0..1."""
    spread = mean_win_r - mean_loss_r
    return min(1.0, max(0.0, -mean_loss_r / spread)) if spread > 0 else 1.0


class _Trial:
    """Out-of-sample predictions of one setting."""

    def __init__(self) -> None:
        self.predicted: dict[int, float] = {}
        self.promised: dict[int, float] = {}
        """Expected R by the means that were known then."""

    def take(self, positions: Sequence[int], probabilities: Sequence[float], win: float, loss: float) -> None:
        for n, p in zip(positions, probabilities, strict=True):
            self.predicted[n] = p
            self.promised[n] = p * win + (1 - p) * loss


def walk(
    examples: Examples,
    learner: Learner,
    rules: TrainingRules,
    chance: Chance,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Walked:
    """Train and judge. `progress` hears how many fits are done, and of how many."""
    work = _Walk(examples, learner, rules, progress)
    if len(examples) < LEAST_EXAMPLES:
        return _nothing(f"{len(examples):,} examples are too few: {LEAST_EXAMPLES} at least")
    chosen = work.fold_by_fold()
    if not chosen.predicted:
        return _nothing("no part of the time has enough examples to learn from, calibrate by and test on")
    kept = work.keep()
    tested = tuple(sorted(chosen.predicted))
    judgement = _judge(examples, chosen, work.trials, rules, chance)
    return Walked(judgement, kept, tested, tuple(chosen.predicted[n] for n in tested))


def _nothing(why: str) -> Walked:
    return Walked(Judgement(False, f"no better than the rules: {why}"), None, (), ())


class _Walk:
    """The fits of one training."""

    def __init__(
        self,
        examples: Examples,
        learner: Learner,
        rules: TrainingRules,
        progress: Callable[[int, int], None],
    ) -> None:
        self._examples, self._learner, self._rules = examples, learner, rules
        self._hits, self._results = examples.hits, examples.results
        self._spans = examples.spans
        self._own = uniqueness(self._spans)
        self.trials = {setting: _Trial() for setting in rules.settings}
        self._wins: dict[AnySetting, int] = dict.fromkeys(rules.settings, 0)
        self._progress, self._done = progress, 0
        self._fits = rules.folds * len(rules.settings) + 1

    def fold_by_fold(self) -> _Trial:
        """Predictions by the setting that was the best on what each fold had held out."""
        rules, chosen = self._rules, _Trial()
        for fold in training_folds(
            self._spans, rules.folds, rules.first_share, rules.held_out_share, rules.span_ns
        ):
            if min(len(fold.fit), len(fold.calibrate)) < _LEAST_PART or not fold.test:
                self._told(len(rules.settings))
                continue
            win, loss = self._means((*fold.fit, *fold.calibrate))
            scored: list[tuple[float, int, list[float]]] = []
            for number, setting in enumerate(rules.settings):
                fitted, table, score = self._fit(fold, setting)
                probabilities = [straight_between(table, raw) for raw in fitted.raw(fold.test)]
                self.trials[setting].take(fold.test, probabilities, win, loss)
                scored.append((score, number, probabilities))
                self._told(1)
            best = min(scored)
            self._wins[rules.settings[best[1]]] += 1
            chosen.take(fold.test, best[2], win, loss)
        return chosen

    def keep(self) -> FinalModel:
        """The model for the time to come: the setting that was chosen most often, fitted to all but what
        calibrates it.
        """
        setting = max(self._rules.settings, key=lambda one: self._wins[one])
        fold = kept_fold(self._spans, self._rules.held_out_share)
        fitted, table, _ = self._fit(fold, setting)
        self._told(1)
        return FinalModel(fitted, setting, table, *self._means(range(len(self._hits))))

    def _fit(self, fold: TrainingFold, setting: AnySetting) -> tuple[Fitted, Table, float]:
        """The fit, its calibration, and its loss on what was held out."""
        own, hits = self._own, self._hits
        weights = class_weights([hits[n] for n in fold.fit], [own[n] for n in fold.fit])
        fitted = self._learner.fit(fold.fit, weights, setting)
        raw, came = fitted.raw(fold.calibrate), [hits[n] for n in fold.calibrate]
        table = isotonic(raw, came, [own[n] for n in fold.calibrate])
        loss = log_loss([straight_between(table, one) for one in raw], came)
        return fitted, table, 0.0 if loss is None else loss

    def _means(self, positions: Sequence[int]) -> tuple[float, float]:
        """What hits and everything else have made, R net of costs."""
        won = [self._results[n] for n in positions if self._hits[n]]
        rest = [self._results[n] for n in positions if not self._hits[n]]
        return (
            sum(won) / len(won) if won else self._rules.barriers.target_r,
            sum(rest) / len(rest) if rest else -1.0,
        )

    def _told(self, fits: int) -> None:
        self._done += fits
        self._progress(self._done, self._fits)


# -- judging -----------------------------------------------------------------------------------------------


def _judge(
    examples: Examples,
    chosen: _Trial,
    trials: dict[AnySetting, _Trial],
    rules: TrainingRules,
    chance: Chance,
) -> Judgement:
    tested = sorted(chosen.predicted)
    results = examples.results
    picks = [n for n in tested if examples.listed[n].picked]
    alone = examples.made(picks)
    margin = rules.margins_r[0]
    taken = examples.made(n for n in picks if chosen.promised[n] > margin)
    made = [results[n] for n in taken]
    each = [
        examples.made(n for n in picks if trial.promised[n] > least)
        for trial in trials.values()
        for least in rules.margins_r
    ]
    trials_made = len(each) + rules.trials_before
    ratios = [sums(results[n] for n in one).sharpe for one in each]
    found = Judgement(
        False,
        "",
        probabilities_of(examples, tested, [chosen.predicted[n] for n in tested]),
        traded([results[n] for n in alone]),
        traded(made),
        choice_p([results[n] for n in alone], [chosen.promised[n] > margin for n in alone], chance),
        sign_flip_p(made, chance),
        deflated_sharpe(made, trials_made, variance(ratios) if len(ratios) > 1 else 0.0),
        backtest_overfitting(
            [_sliced(examples, one, tested, rules.slices) for one in each if len(one) >= rules.least_trades]
        ),
        trials_made,
        _curve(examples, alone),
        _curve(examples, taken),
    )
    why = objection(found, rules)
    return Judgement(
        not why,
        f"no better than the rules: {why}" if why else _praise(found),
        *(getattr(found, name) for name in Judgement.__struct_fields__[2:]),
    )


def probabilities_of(
    examples: Examples, positions: Sequence[int], predicted: Sequence[float]
) -> Probabilities | None:
    """How good predictions at these positions were; None without any."""
    if not positions:
        return None
    hits, results = examples.hits, examples.results
    came, made = [hits[n] for n in positions], [results[n] for n in positions]
    parts = max(_BINS[0], min(_BINS[1], len(positions) // _A_BIN))
    base, bins = sum(came) / len(came), reliability(predicted, came, made, parts)
    return Probabilities(
        len(positions),
        base,
        bins,
        calibration_error(bins),
        brier(predicted, came),
        base * (1 - base),
        log_loss(predicted, came),
        auc(predicted, came),
        lift(predicted, came),
    )


def objection(found: Judgement, rules: TrainingRules) -> str:
    """The first thing that a model must show and does not, with its numbers; empty where it shows all."""
    model, least = found.model, 1 - rules.error_rate
    if not found.rules.trades:
        return "the rules never traded in the time that was tested"
    if model.trades < rules.least_trades or model.mean_r is None:
        return (
            f"it would have made {model.trades:,} trades where the rules made {found.rules.trades:,}: too few"
            f" to judge by ({rules.least_trades} at least)"
        )
    if model.mean_r <= 0 or model.mean_r <= (found.rules.mean_r or 0.0):
        return f"its trades made {model.mean_r:+.3f} R each, those of the rules {found.rules.mean_r:+.3f} R"
    if found.choice_p is None or found.choice_p > rules.error_rate:
        return f"a blind choice among the rules' trades does as well (p {found.choice_p:.3f})"
    if found.deflated_sharpe is None or found.deflated_sharpe < least:
        return (
            f"its {model.mean_r:+.3f} R a trade may be the best of {found.trials} trials by luck (deflated"
            f" Sharpe probability {found.deflated_sharpe or 0:.2f}, {least:.2f} at least)"
        )
    error = None if found.probabilities is None else found.probabilities.calibration_error
    if error is None or error > rules.most_calibration_error:
        most = rules.most_calibration_error
        return f"its probabilities are off by {error or 0:.3f} on average ({most} at most)"
    return ""


def _praise(found: Judgement) -> str:
    return (
        f"better than the rules: {found.model.trades:,} trades at {found.model.mean_r:+.3f} R each where the"
        f" rules alone made {found.rules.trades:,} at {found.rules.mean_r:+.3f} R (p {found.choice_p:.4f})"
    )


def _sliced(
    examples: Examples, positions: Sequence[int], tested: Sequence[int], slices: int
) -> tuple[Sums, ...]:
    """Results by the slice of the tested time that they were decided in."""
    first = examples.listed[tested[0]].label.ts
    width = examples.listed[tested[-1]].label.ts + 1 - first
    parts: list[list[float]] = [[] for _ in range(slices)]
    for n in positions:
        label = examples.listed[n].label
        parts[(label.ts - first) * slices // width].append(label.result_r)
    return tuple(map(sums, parts))


def _curve(examples: Examples, positions: Sequence[int]) -> tuple[tuple[int, float], ...]:
    total, points = 0.0, []
    for n in sorted(positions, key=lambda n: examples.listed[n].label.end_ts):
        label = examples.listed[n].label
        total += label.result_r
        points.append((label.end_ts, total))
    return tuple(points)
