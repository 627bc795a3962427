"""What the outcomes of patterns say: a rate of wins and an expectancy for each pattern, timeframe, contract
and regime, shrunk to what is assumed of a pattern that nobody knows (docs/learning.md#the-posterior).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import sqrt
from typing import NamedTuple

from msgspec import Struct

from engine.model.market import Timeframe
from engine.model.scores import PatternSeen, ScorePart


class Tally(Struct, frozen=True):
    """Outcomes that are alike, added up. R is the net result in units of the risk at the first stop."""

    count: int = 0
    wins: int = 0
    """Whatever has earned something net of all costs."""
    sum_r: float = 0.0
    sum_r2: float = 0.0
    excursions: int = 0
    """Of how many outcomes MAE and MFE are known."""
    sum_mae_r: float = 0.0
    sum_mfe_r: float = 0.0

    def plus(self, r: float, mae_r: float | None = None, mfe_r: float | None = None) -> Tally:
        """The same with one more outcome."""
        known = mae_r is not None and mfe_r is not None
        return Tally(
            self.count + 1,
            self.wins + (r > 0),
            self.sum_r + r,
            self.sum_r2 + r * r,
            self.excursions + known,
            self.sum_mae_r + (mae_r or 0.0) * known,
            self.sum_mfe_r + (mfe_r or 0.0) * known,
        )

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, name) + getattr(other, name) for name in self.__struct_fields__))


class PatternKey(NamedTuple):
    """What outcomes are told apart by."""

    kind: str
    timeframe: Timeframe
    instrument: str
    regime: str

    @property
    def text(self) -> str:
        """As state and journal hold it."""
        return "|".join(self)

    @classmethod
    def parse(cls, text: str) -> PatternKey:
        kind, timeframe, instrument, regime = text.split("|")
        return cls(kind, Timeframe(timeframe), instrument, regime)


def key_of(instrument: str, pattern: PatternSeen) -> PatternKey:
    return PatternKey(pattern.kind, pattern.timeframe, instrument, pattern.regime)


class Prior(Struct, frozen=True):
    """What is assumed before anything is known: no edge. At the least reward to risk of 1.5 what earns
    nothing wins two of five times.
    """

    trades: float = 20.0
    """It weighs as much as so many outcomes."""
    win_rate: float = 0.4
    mean_r: float = 0.0
    sd_r: float = 1.25
    """Of one outcome around the mean, R."""


class Posterior(Struct, frozen=True):
    """What is believed of a pattern after its outcomes."""

    trades: int
    wins: int
    mean_r: float | None
    """Of the outcomes themselves; None without any."""
    win_rate: float
    """Mean of the beta distribution."""
    win_rate_sd: float
    expectancy_r: float
    """Mean of the normal distribution."""
    expectancy_sd: float
    mae_r: float | None = None
    """Mean worst excursion, zero or below; None where none is known."""
    mfe_r: float | None = None


NO_EDGE = Prior()


def posterior(tally: Tally, prior: Prior = NO_EDGE) -> Posterior:
    """Beta-binomial for the rate; for R a normal mean whose variance is pooled from prior and outcomes."""
    n, k = tally.count, prior.trades
    won, lost = prior.win_rate * k + tally.wins, (1 - prior.win_rate) * k + n - tally.wins
    mean = tally.sum_r / n if n else None
    expectancy = (prior.mean_r * k + tally.sum_r) / (k + n)
    spread = max(0.0, tally.sum_r2 - tally.sum_r**2 / n) if n else 0.0
    variance = (k * prior.sd_r**2 + spread) / (k + n)
    known = tally.excursions
    return Posterior(
        n,
        tally.wins,
        mean,
        won / (won + lost),
        sqrt(won * lost / ((won + lost) ** 2 * (won + lost + 1))),
        expectancy,
        sqrt(variance / (k + n)),
        tally.sum_mae_r / known if known else None,
        tally.sum_mfe_r / known if known else None,
    )


def pooled(
    experience: Mapping[str, Tally], by: Callable[[PatternKey], PatternKey]
) -> dict[PatternKey, Tally]:
    """The tallies of keys that `by` makes equal, added up."""
    found: dict[PatternKey, Tally] = {}
    for text, tally in experience.items():
        key = by(PatternKey.parse(text))
        found[key] = found.get(key, Tally()) + tally
    return found


class Row(NamedTuple):
    """One line of the table of what was learned."""

    key: PatternKey
    posterior: Posterior


def table(
    experience: Mapping[str, Tally],
    *,
    instruments: Iterable[str] = (),
    least: int = 0,
    prior: Prior = NO_EDGE,
) -> list[Row]:
    """What was learned of each pattern x timeframe x contract x regime with so many outcomes at least, the
    highest expectancy first; of these `instruments`, or all.
    """
    only = set(instruments)
    rows = [
        Row(key, posterior(tally, prior))
        for key, tally in ((PatternKey.parse(text), tally) for text, tally in experience.items())
        if tally.count >= least and (not only or key.instrument in only)
    ]
    return sorted(rows, key=lambda row: (-row.posterior.expectancy_r, row.key))


FULL_R = 0.5
"""An expectancy of so many R a trade moves the score by all that learning may."""


def learned(
    experience: Mapping[str, Tally],
    instrument: str,
    pattern: PatternSeen,
    least: int,
    most_points: float,
    prior: Prior = NO_EDGE,
) -> ScorePart | None:
    """What a pattern's outcomes add to the score; None below the least sample. It is never more than
    `most_points` either way, and proportional to the expectancy below that.
    """
    tally = experience.get(key_of(instrument, pattern).text)
    if tally is None or tally.count < max(1, least) or most_points == 0:
        return None
    expectancy = posterior(tally, prior).expectancy_r
    points = most_points * max(-1.0, min(1.0, expectancy / FULL_R))
    return ScorePart("learned", round(points, 3), samples=tally.count, value=round(expectancy, 4))
