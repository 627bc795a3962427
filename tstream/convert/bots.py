"""From [[bots]] to the bots of a run: strategies by name, parameters checked by their own schema."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any, get_type_hints

import msgspec
from msgspec import structs
from pydantic import ValidationError

from engine.books.bots import Bot, lone
from engine.model.bots import BotConfig
from engine.strategies.protocol import Strategy
from engine.strategies.zones import ZoneReaction, ZoneReactionConfig
from tstream.convert.risk import zone_reaction
from tstream.errors import Problem, SettingsError
from tstream.settings.bots import BotSettings
from tstream.settings.declared import DeclaredSection, filled, keys_of
from tstream.settings.fields import allowed
from tstream.settings.model import Settings
from tstream.settings.problems import shown
from tstream.settings.sizing import sizing_of

STRATEGIES = "tstream.strategies"
"""Entry point group: classes with a `Config`, a msgspec Struct of defaults with bounds, that are made with
one of it."""


@keys_of(ZoneReactionConfig())
class _ZoneParams(DeclaredSection):
    """What zones may be told."""


def kinds() -> dict[str, Any]:
    """Every strategy's class by name; the built-in ones can't be replaced."""
    found: dict[str, Any] = {point.name: point.load() for point in entry_points(group=STRATEGIES)}
    return found | {ZoneReaction.name: ZoneReaction}


def parameters(kind: Any) -> dict[str, str]:
    """The parameters of a strategy's class, and what each may be."""
    if kind is ZoneReaction:
        return {name: allowed(field) for name, field in _ZoneParams.model_fields.items()}
    fields = msgspec.json.schema_components([kind.Config])[1][kind.Config.__name__]["properties"]
    return {name: _words(field) for name, field in fields.items()}


def _words(field: Mapping[str, Any]) -> str:
    kind = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "string": "text"}
    parts = [kind.get(field.get("type", ""), "a value")]
    if "enum" in field:
        parts = ["one of " + ", ".join(map(str, field["enum"]))]
    for name, word in (
        ("minimum", "at least"),
        ("exclusiveMinimum", "above"),
        ("maximum", "at most"),
        ("exclusiveMaximum", "below"),
    ):
        if name in field:
            parts.append(f"{word} {field[name]}")
    return ", ".join(parts)


def bots(settings: Settings) -> tuple[Bot, ...]:
    """The bots of a run: those of [[bots]], or the one of [strategy]. Raises SettingsError."""
    if not settings.bots:
        return (lone(ZoneReaction(zone_reaction(settings))),)
    known = kinds()
    found: list[Bot] = []
    wrong: list[Problem] = []
    for index, one in enumerate(settings.bots):
        where = f"bots[{index}]"
        names = [earlier.name for earlier in settings.bots[:index]]
        if one.name in names:
            wrong.append(Problem(f"{where}.name", "is another bot's name already", shown(one.name)))
        foreign = [symbol for symbol in one.instruments if symbol not in settings.contracts]
        if foreign:
            why = f"must be contracts of this run, some of {', '.join(settings.contracts)}"
            wrong.append(Problem(f"{where}.instruments", why, shown(foreign)))
        if one.strategy not in known:
            why = f"must be one of {', '.join(sorted(known))}"
            wrong.append(Problem(f"{where}.strategy", why, shown(one.strategy)))
            continue
        strategy = _strategy(settings, known[one.strategy], one, f"{where}.params")
        if isinstance(strategy, list):
            wrong += strategy
        else:
            found.append(Bot(_config(one, strategy), strategy))
    if wrong:
        raise SettingsError(wrong)
    return tuple(found)


def _config(one: BotSettings, strategy: Strategy) -> BotConfig:
    own = getattr(getattr(strategy, "config", None), "min_score_tenths", 0)
    return filled(
        BotConfig,
        one,
        name=one.name,
        strategy=one.strategy,
        instruments=one.instruments,
        timeframes=one.timeframes,
        sizing=sizing_of(one.sizing),
        min_score_tenths=own if one.min_score is None else round(one.min_score * 10),
    )


def _strategy(settings: Settings, kind: Any, one: BotSettings, where: str) -> Strategy | list[Problem]:
    """The strategy with its parameters, or what is wrong with them."""
    schema = parameters(kind)
    unknown = [name for name in one.params if name not in schema]
    if unknown:
        there = f"unknown parameter; {one.strategy} has {', '.join(schema) or 'none'}"
        return [Problem(f"{where}.{name}", there) for name in unknown]
    wrong: list[Problem] = []
    if kind is ZoneReaction:
        try:
            section = _ZoneParams(**one.params)
        except ValidationError as error:
            for name in dict.fromkeys(str(each["loc"][0]) for each in error.errors()):
                wrong.append(Problem(f"{where}.{name}", f"must be {schema[name]}", shown(one.params[name])))
            return wrong
        least = settings.risk.reward_to_risk_min
        zones = filled(ZoneReactionConfig, section, min_reward_to_risk=least)
        near = min(zones.near_score_tenths, zones.min_score_tenths)
        return ZoneReaction(structs.replace(zones, near_score_tenths=near))
    hints = get_type_hints(kind.Config, include_extras=True)
    for name, value in one.params.items():
        alone = msgspec.defstruct("Alone", [(name, hints[name])])
        try:
            msgspec.convert({name: value}, alone)
        except msgspec.ValidationError:
            wrong.append(Problem(f"{where}.{name}", f"must be {schema[name]}", shown(value)))
    if wrong:
        return wrong
    try:
        made: Strategy = kind(msgspec.convert(one.params, kind.Config))
    except (msgspec.ValidationError, ValueError) as error:
        return [Problem(where, str(error))]
    return made
