"""One training, from what was asked to a model that is kept, and to the one that counts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from msgspec.structs import replace

from adapters.models.deep.learner import QUANTILES, DeepModel
from adapters.models.files import ModelFile
from adapters.models.store import ModelStore
from adapters.models.train import Boosted
from engine.lab.training.champion import Duel, duel
from engine.lab.training.examples import Examples
from engine.lab.training.folds import kept_fold
from engine.lab.training.quantiles import QuantileScore, scored
from engine.lab.training.rules import TrainingRules
from engine.lab.training.walk import FinalModel, Judgement, Walked, walk
from engine.model.errors import FatalError
from engine.model.opinion import ModelCard, ModelKind
from engine.signals.features import HASH, NAMES, VERSION
from tstream.lab.gathering import Gathered
from tstream.lab.learner import KeptModel, Nets, Trees, asked_of

_NO_NAME = re.compile(r"[^a-z0-9]+")
_NAMED = 12
"""Features that a card says it looks at."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of it."""

    judgement: Judgement
    card: ModelCard | None
    """None where there was too little to learn from: there is no model then."""
    body: str | bytes
    """LightGBM's text, or the weights of a deep model."""
    importance: Sequence[tuple[str, float]]
    """Features and their shares, the largest first."""
    duel: Duel | None
    """With the champion; None where there was none to compare with."""
    promoted: bool
    """Whether it is to count from now on."""
    decision: str
    """Why it is or is not, for people."""
    beside: str = ""
    """Where a deep model was asked for: whether it is this, and why."""


def train(
    gathered: Gathered,
    rules: TrainingRules,
    store: ModelStore,
    *,
    seed: int,
    now: int,
    kind: ModelKind = ModelKind.TREES,
    reason: str = "",
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Trained:
    """Train and decide; nothing is kept by it. `now` is nanoseconds UTC of the machine's clock. Raises
    FatalError where LightGBM is not installed, or torch for a deep model.
    """
    examples, beside = gathered.examples, ""
    walked = walk(examples, Trees(examples, seed), rules, Random(seed), progress)
    if kind is ModelKind.DEEP and walked.kept is not None:
        walked, beside = deeper(examples, rules, walked, seed, progress)
    judged, kept = walked.judgement, walked.kept
    if kept is None:
        return Trained(judged, None, "", (), None, False, judged.verdict)
    fitted = kept.fitted
    assert isinstance(fitted, Boosted | DeepModel)
    body, importance = fitted.body(), fitted.importance(NAMES)
    card = replace(_card(gathered, rules, walked, kept, body, seed, now), looks_at=tuple(importance[:_NAMED]))
    if isinstance(fitted, DeepModel):
        card = _deep_card(card, fitted, examples, rules)
    compared, promoted, decision = _decided(gathered, rules, store, walked, card, seed)
    parent = "" if compared is None else store.champion()
    why = "; ".join(filter(None, (reason, decision, beside)))
    card = replace(card, parent=parent, reason=why)
    return Trained(judged, card, body, importance, compared, promoted, decision, beside)


def deeper(
    examples: Examples,
    rules: TrainingRules,
    trees: Walked,
    seed: int,
    progress: Callable[[int, int], None],
) -> tuple[Walked, str]:
    """The deep model where it is better than the rules and than trees on what neither has seen, else the
    trees; and why. What was tried with trees counts among its trials.
    """
    own = replace(rules, settings=rules.deep_settings, trials_before=trees.judgement.trials)
    deep = walk(examples, Nets(examples, seed), own, Random(seed), progress)
    assert deep.tested == trees.tested
    labels = [examples.listed[n].label for n in trees.tested]
    found = duel(
        [(label.ts, label.end_ts) for label in labels],
        [label.hit for label in labels],
        trees.predicted,
        deep.predicted,
        2 * rules.span_ns,
        rules.error_rate,
        Random(seed),
        "that of trees",
    )
    if not deep.judgement.better:
        return trees, f"trees, as a deep model is {deep.judgement.verdict} ({found.reason})"
    if not found.better:
        return trees, f"trees, as a deep model is not proven better than they are: {found.reason}"
    return deep, f"a deep model, better than trees: {found.reason}"


def _deep_card(card: ModelCard, fitted: DeepModel, examples: Examples, rules: TrainingRules) -> ModelCard:
    """What is told of a deep model besides, its quantiles by the part that it was not fitted to."""
    fold, results = kept_fold(examples.spans, rules.held_out_share), examples.results
    found: QuantileScore | None = scored(
        QUANTILES,
        fitted.quantiles(fold.calibrate),
        [results[n] for n in fold.calibrate],
        [results[n] for n in fold.fit],
    )
    if found is not None:
        told = {"pinball": found.pinball, "pinball_of_base": found.pinball_of_base}
        pairs = tuple(zip(QUANTILES, found.below, strict=True))
        card = replace(card, metrics={**card.metrics, **told}, quantiles=pairs)
    return replace(card, window=fitted.shape.window, looks_back=fitted.attention())


def keep(trained: Trained, store: ModelStore, now: int) -> ModelFile | None:
    """Keep the model, and let it count where that was decided. None where there is no model. Raises
    FatalError.
    """
    if trained.card is None:
        return None
    found = store.save(trained.card, trained.body)
    if trained.promoted:
        store.promote(trained.card.name, trained.decision, now)
    return found


def _card(
    gathered: Gathered,
    rules: TrainingRules,
    walked: Walked,
    kept: FinalModel,
    body: str | bytes,
    seed: int,
    now: int,
) -> ModelCard:
    judged = walked.judgement
    shown = "-and-".join(gathered.instruments[:2]) + "-and-more" * (len(gathered.instruments) > 2)
    deep = isinstance(body, bytes)
    digest = hashlib.sha256(body if isinstance(body, bytes) else body.encode()).hexdigest()[:8]
    stem = _NO_NAME.sub("-", shown.lower()).strip("-")[:40]
    return ModelCard(
        name=f"{stem}-{rules.timeframe}{'-deep' * deep}-{digest}",
        feature_version=VERSION,
        feature_hash=HASH,
        timeframe=rules.timeframe,
        barriers=rules.barriers,
        instruments=gathered.instruments,
        trained_from=gathered.start_ts,
        trained_to=gathered.end_ts,
        created_ts=now,
        rows=len(gathered.examples),
        seed=seed,
        mean_win_r=kept.mean_win_r,
        mean_loss_r=kept.mean_loss_r,
        calibration=kept.calibration,
        metrics=metrics_of(judged),
        thresholds={"probability": kept.threshold},
        verdict=judged.verdict,
        better=judged.better,
        sources=gathered.sources,
    )


def metrics_of(judged: Judgement) -> dict[str, float | None]:
    """By name, out of sample, as a card keeps them."""
    told, overfitting = judged.probabilities, judged.overfitting
    found: dict[str, float | None] = {}
    if told is not None:
        found = {
            "outcomes": told.outcomes,
            "base_rate": told.base_rate,
            "calibration_error": told.calibration_error,
            "brier": told.brier,
            "brier_of_base": told.brier_of_base,
            "log_loss": told.log_loss,
            "auc": told.auc,
            "lift": told.lift,
        }
    return {
        **found,
        "rules_trades": judged.rules.trades,
        "rules_mean_r": judged.rules.mean_r,
        "trades": judged.model.trades,
        "mean_r": judged.model.mean_r,
        "choice_p": judged.choice_p,
        "mean_p": judged.mean_p,
        "deflated_sharpe": judged.deflated_sharpe,
        "pbo": None if overfitting is None else overfitting.probability,
        "trials": judged.trials,
    }


def _decided(
    gathered: Gathered,
    rules: TrainingRules,
    store: ModelStore,
    walked: Walked,
    card: ModelCard,
    seed: int,
) -> tuple[Duel | None, bool, str]:
    """Whether it takes the champion's place, and why."""
    name = store.champion()
    if not walked.judgement.better:
        stays = f"the champion {name} stays" if name else "rules alone go on"
        return None, False, f"{stays}: {walked.judgement.verdict}"
    if not name:
        return None, True, f"no model counted; this one is {walked.judgement.verdict}"
    if name == card.name:
        return None, False, "it is the champion, made again from the same data"
    try:
        champion = store.read(name)
        asked = asked_of(champion, gathered.examples, seed)
    except FatalError as error:
        return None, True, f"the champion {name} can't be asked any more ({error})"
    old = champion.card
    if (old.timeframe, old.barriers) != (card.timeframe, card.barriers) or not all(
        map(old.knows, card.instruments)
    ):
        return (
            None,
            False,
            f"the champion {name} stays: it judges {', '.join(old.instruments)} at {old.timeframe}, which is"
            f" another question; tstream models promote {card.name} lets this one count",
        )
    found = _duel(gathered, rules, walked, old, asked, seed)
    if found.better:
        return found, True, f"better than the champion {name}: {found.reason}"
    return found, False, f"the champion {name} stays: {found.reason}"


def _duel(
    gathered: Gathered, rules: TrainingRules, walked: Walked, old: ModelCard, asked: KeptModel, seed: int
) -> Duel:
    """On outcomes that began after the champion had been trained, with what the folds of the new one said of
    them.
    """
    listed = gathered.examples.listed
    fresh = [
        (n, p)
        for n, p in zip(walked.tested, walked.predicted, strict=True)
        if listed[n].label.ts >= old.trained_to
    ]
    positions = [n for n, _ in fresh]
    labels = [listed[n].label for n in positions]
    return duel(
        [(label.ts, label.end_ts) for label in labels],
        [label.hit for label in labels],
        [old.calibrated(raw) for raw in asked.raw(positions)],
        [p for _, p in fresh],
        2 * rules.span_ns,
        rules.error_rate,
        Random(seed),
    )
