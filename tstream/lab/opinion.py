"""The model that is asked in runs of the past."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from engine.lab.second_opinion import seen_by
from engine.model.decision import OpinionUse
from engine.model.errors import FatalError
from engine.model.market import Timeframe
from engine.model.opinion_events import PredictorState
from engine.ports import PromptPredictor
from engine.signals.features import HASH, NAMES
from tstream.paths import Paths
from tstream.reports.opinion_lines import IN_SAMPLE

CHAMPION = "champion"
"""In place of a model's name: the one that counts."""
OFF = "off"
"""In place of a model's name: none is asked."""


class AskedInPast(NamedTuple):
    """Who is asked in a run of the past."""

    predictor: PromptPredictor | None
    """None where nobody is to be asked."""
    in_sample: str = ""
    """Why the run is no test of the model, for people; empty where it is one."""
    asks: bool = False
    """There is a model, and it answers."""
    timeframe: Timeframe | None = None
    """Whose closes that judges."""


@contextmanager
def asked_in_past(
    use: OpinionUse, paths: Paths, span: tuple[int, int] | None, name: str = CHAMPION, *, must: bool = False
) -> Iterator[AskedInPast]:
    """The model of that name at work, for a run in virtual time from one time to the other, nanoseconds UTC;
    None is a market that was made up. Where it can't be asked the rules are alone, unless it `must` be:
    raises FatalError then, and where it fails in the middle of it.
    """
    if use is OpinionUse.OFF:
        yield AskedInPast(None)
        return
    from adapters.models.prompt import NobodyAsked, PromptModel
    from adapters.models.store import ModelStore

    store = ModelStore(paths.models, HASH, len(NAMES))
    try:
        counts = store.champion() if name == CHAMPION else name
        found = store.read(counts) if counts else None
    except FatalError as error:
        if must:
            raise
        yield AskedInPast(NobodyAsked(PredictorState.REFUSED, str(error)))
        return
    if found is None:
        if must:
            raise FatalError("no model counts: tstream models list, or tstream train makes one")
        detail = "no model has been trained and promoted"
        yield AskedInPast(NobodyAsked(PredictorState.ABSENT, detail))
        return
    seen = "" if span is None else seen_by(found.card, *span)
    with ExitStack() as running:
        asked = PromptModel(found, len(NAMES), f"{IN_SAMPLE}: {seen}" if seen else "")
        try:
            told = AskedInPast(running.enter_context(asked), seen, asks=True, timeframe=found.card.timeframe)
        except FatalError as error:
            if must:
                raise
            told = AskedInPast(NobodyAsked(PredictorState.REFUSED, str(error)))
        yield told
