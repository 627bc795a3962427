"""How rules, model and mood become one decision, and what each of them has said (docs/models.md)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Struct

from engine.model.figures import percent, signed
from engine.model.market import MINUTE
from engine.model.setting import restart


class OpinionUse(StrEnum):
    OFF = "off"
    WATCH = "watch"
    DECIDE = "decide"


class OpinionConfig(Struct, frozen=True):
    """The section [opinion]. Nothing of it is needed to trade."""

    use: Annotated[
        OpinionUse,
        restart(),
        "What a second opinion does: off asks none, watch asks, writes down and shows what it says while the "
        "rules alone decide, decide weighs it with them.",
    ] = OpinionUse.OFF
    rules_weight: Annotated[float, restart(ge=0, le=1000), "How much the score of the rules counts."] = 0.5
    model_weight: Annotated[float, restart(ge=0, le=1000), "How much the model counts."] = 0.4
    mood_weight: Annotated[float, restart(ge=0, le=1000), "How much news and posts count, where known."] = 0.1
    least_confidence: Annotated[
        float,
        restart(ge=0, le=1),
        "With `decide`, an idea of which rules, model and mood together are less sure is not entered; 0.5 is "
        "as good as nothing known.",
    ] = 0.6
    allow_short: Annotated[
        bool, restart(), "Whether bots may sell short; without it their short ideas are refused."
    ] = True
    sample_ns: Annotated[
        int,
        restart(key="sample_minutes", unit=MINUTE, ge=0, le=1440),
        "The model is asked so often even where there is no idea, in the direction of the alignment, so that "
        "it is known how right it is, minutes; 0 asks about ideas only.",
    ] = 15 * MINUTE
    patience_ns: Annotated[
        int,
        restart(key="patience_ms", unit=1_000_000, ge=1, le=50),
        "An answer of the model that takes longer is not waited for: the rules decide alone, milliseconds.",
    ] = 50 * 1_000_000


class OpinionPart(Struct, frozen=True):
    """What one voice says of a trade."""

    name: str
    """rules, model, mood"""
    value: float
    """0 against it, 1 for it, 0.5 neither."""
    weight: float
    """Its share in the decision, 0 to 1: of those that have spoken they come to 1."""


class Counsel(StrEnum):
    """What an opinion came to."""

    ALONE = "rules alone"
    """Nobody else has spoken, or nobody was asked to decide."""
    FOR = "for"
    AGAINST = "against"
    """Together they are less sure than is asked for."""
    WATCHED = "watched"
    """It is written down only: the rules decide, or there was no idea."""


class Opinion(Struct, frozen=True):
    """What goes with an idea into its plan, or into its refusal."""

    id: str
    counsel: Counsel
    parts: tuple[OpinionPart, ...] = ()
    confidence: float | None = None
    """0 to 1: the parts by their weights; None where the rules are alone."""
    least: float = 0.0
    """What was asked for."""
    model: str = ""
    """Its name; empty where none has spoken."""
    probability: float | None = None
    """Of the model: that its target is reached before its stop."""
    expected_r: float | None = None
    missing: str = ""
    """Why the model has not spoken, for people."""

    @property
    def words(self) -> str:
        """What each has said, and what it came to: "for: rules 0.80 × 56 % · model 0.75 × 44 % = 0.78, …"."""
        if self.counsel is Counsel.ALONE:
            return f"{self.counsel}: {self.missing or 'nobody else has spoken'}"
        told = " · ".join(f"{part.name} {part.value:.2f} × {percent(part.weight)}" for part in self.parts)
        total = "" if self.confidence is None else f" = {self.confidence:.2f}, at least {self.least:.2f}"
        said = ""
        if self.probability is not None and self.expected_r is not None:
            said = f"; {self.model}: {percent(self.probability)} to its target, {signed(self.expected_r)} R"
        return f"{self.counsel}: {told}{total}{said}"


def weigh(said: dict[str, float], config: OpinionConfig) -> tuple[tuple[OpinionPart, ...], float | None]:
    """The parts with their shares, and what they come to; None where nothing counts."""
    weights = {"rules": config.rules_weight, "model": config.model_weight, "mood": config.mood_weight}
    total = sum(weights[name] for name in said)
    if total <= 0:
        return (), None
    parts = tuple(OpinionPart(name, round(said[name], 4), round(weights[name] / total, 4)) for name in said)
    return parts, round(sum(weights[name] / total * value for name, value in said.items()), 4)
