"""Markets made up for trainings: in which closes before, or the newest one, say how likely the target is."""

from __future__ import annotations

from random import Random

from engine.lab.training.examples import Example, Examples
from engine.lab.training.labels import Label
from engine.lab.training.rules import SETTINGS, DeepSetting, TrainingRules
from engine.model.market import MINUTE, Timeframe
from engine.model.opinion import Barriers
from engine.signals.features import NAMES
from engine.signals.past_rows import PastRows
from tstream.lab.gathering import Gathered

WIDTH = len(NAMES)
TELL = 12
"""By how many features the answer is told."""
QUICK = (DeepSetting(16, 16, 0.02, 0.1),)
RULES = TrainingRules(
    barriers=Barriers(1.0, 1.5, 4),
    settings=SETTINGS[1:2],
    deep_settings=QUICK,
    folds=2,
    first_share=0.6,
    costs=False,
    margins_r=(0.0,),
    most_calibration_error=0.2,
)


def told_market(edge: float, back: int, *, seed: int = 2, teeth: int = 1, count: int = 2_000) -> Gathered:
    """The target's chance is 40 %, and by `edge` higher where the number of `back` closes before lies in the
    upper half of one of `teeth` equal parts of its range than where it lies in the lower half.
    """
    chance, made, past = Random(seed), Examples(WIDTH), PastRows[int](Timeframe.M5)
    said = [0.5] * back
    for n in range(count):
        said.append(chance.random())
        high = said[-1 - back] * teeth % 1 > 0.5
        hit = chance.random() < 0.4 + edge * (0.5 if high else -0.5)
        ts = n * 5 * MINUTE
        label = Label(ts, ts + 5 * MINUTE, 1.5 if hit else -1.0, "target" if hit else "stop")
        example = Example(label, "MES", chance.random() < 0.5)
        vector = (*[said[-1]] * TELL, *([0.0] * (WIDTH - TELL)))
        past.add(ts, made.add(vector, example, tuple(past.before(ts))))
    return Gathered(made, ("MES",), 0, count * 5 * MINUTE, ("made up",))
