"""One training, from what was asked to a model that is kept, and to the one that counts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from msgspec.structs import replace

from adapters.models.files import ModelFile
from adapters.models.store import ModelStore
from adapters.models.train import Boosted
from engine.lab.training.champion import Duel, duel
from engine.lab.training.rules import TrainingRules
from engine.lab.training.walk import FinalModel, Judgement, Walked, walk
from engine.model.errors import FatalError
from engine.model.opinion import ModelCard
from engine.signals.features import HASH, NAMES, VERSION
from tstream.lab.gathering import Gathered
from tstream.lab.learner import Trees

_NO_NAME = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of it."""

    judgement: Judgement
    card: ModelCard | None
    """None where there was too little to learn from: there is no model then."""
    text: str
    importance: Sequence[tuple[str, float]]
    """Features and their shares, the largest first."""
    duel: Duel | None
    """With the champion; None where there was none to compare with."""
    promoted: bool
    """Whether it is to count from now on."""
    decision: str
    """Why it is or is not, for people."""


def train(
    gathered: Gathered,
    rules: TrainingRules,
    store: ModelStore,
    *,
    seed: int,
    now: int,
    reason: str = "",
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Trained:
    """Train and decide; nothing is kept by it. `now` is nanoseconds UTC of the machine's clock. Raises
    FatalError where LightGBM is not installed.
    """
    examples = gathered.examples
    learner = Trees(examples, seed)
    walked = walk(examples, learner, rules, Random(seed), progress)
    judged, kept = walked.judgement, walked.kept
    if kept is None:
        return Trained(judged, None, "", (), None, False, judged.verdict)
    assert isinstance(kept.fitted, Boosted)
    text = kept.fitted.text()
    card = _card(gathered, rules, walked, kept, text, seed, now)
    compared, promoted, decision = _decided(gathered, rules, store, learner, walked, card, seed)
    parent = "" if compared is None else store.champion()
    why = f"{reason}; {decision}" if reason else decision
    card = replace(card, parent=parent, reason=why)
    return Trained(judged, card, text, kept.fitted.importance(NAMES), compared, promoted, decision)


def keep(trained: Trained, store: ModelStore, now: int) -> ModelFile | None:
    """Keep the model, and let it count where that was decided. None where there is no model. Raises
    FatalError.
    """
    if trained.card is None:
        return None
    found = store.save(trained.card, trained.text)
    if trained.promoted:
        store.promote(trained.card.name, trained.decision, now)
    return found


def _card(
    gathered: Gathered,
    rules: TrainingRules,
    walked: Walked,
    kept: FinalModel,
    text: str,
    seed: int,
    now: int,
) -> ModelCard:
    judged = walked.judgement
    shown = "-and-".join(gathered.instruments[:2]) + "-and-more" * (len(gathered.instruments) > 2)
    body = hashlib.sha256(text.encode()).hexdigest()[:8]
    stem = _NO_NAME.sub("-", shown.lower()).strip("-")[:40]
    return ModelCard(
        name=f"{stem}-{rules.timeframe}-{body}",
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
    learner: Trees,
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
        booster = learner.loaded(champion.text)
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
    found = _duel(gathered, rules, walked, old, booster, seed)
    if found.better:
        return found, True, f"better than the champion {name}: {found.reason}"
    return found, False, f"the champion {name} stays: {found.reason}"


def _duel(
    gathered: Gathered, rules: TrainingRules, walked: Walked, old: ModelCard, booster: Boosted, seed: int
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
        [old.calibrated(raw) for raw in booster.raw(positions)],
        [p for _, p in fresh],
        2 * rules.span_ns,
        rules.error_rate,
        Random(seed),
    )
