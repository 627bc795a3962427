"""The part of tstream check about the second opinion: whether a model can be asked, and about what."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.common.finding import Check
from adapters.models.prompt import PromptModel
from adapters.models.store import ModelStore
from engine.model.errors import FatalError
from engine.signals.features import HASH, NAMES
from tstream.paths import Paths
from tstream.settings.model import Settings


def of_opinion(settings: Settings, places: Paths) -> Iterator[Check]:
    """The champion, loaded by its worker as in a run; call it where a second opinion is wanted."""
    store = ModelStore(places.models, HASH, len(NAMES))
    try:
        name = store.champion()
        if not name:
            remedy = "tstream train makes one, tstream models list tells which there are"
            yield Check("model", True, "none counts: the rules are alone", remedy, soon=True)
            return
        found = store.read(name)
        with PromptModel(found, len(NAMES)):
            pass
    except FatalError as error:
        remedy = "tstream models rollback puts the one before back, tstream train makes another"
        yield Check("model", False, str(error), remedy)
        return
    card = found.card
    told = f"{name} answers at each close of {card.timeframe}"
    if unknown := [symbol for symbol in settings.contracts if not card.knows(symbol)]:
        told += f" of {', '.join(card.instruments)}; it is not asked about {', '.join(unknown)}"
        yield Check("model", True, told, "train one with them too", soon=True)
        return
    yield Check("model", True, told)
