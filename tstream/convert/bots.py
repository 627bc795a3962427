"""From [[bots]] to the bots of a run: strategies by name, parameters checked by their own schema."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any, NamedTuple

import msgspec
from msgspec import structs
from pydantic import ValidationError

from engine.books.bots import Bot, lone
from engine.market.calendars.known import calendar_of
from engine.market.candles import resample
from engine.model.bots import BotConfig
from engine.strategies.indicators.strategy import Indicators
from engine.strategies.protocol import Strategy
from engine.strategies.zones import ZoneReaction, ZoneReactionConfig
from tstream.convert.books import of_venue, wanted_books
from tstream.convert.parameters import parameters as described
from tstream.convert.parameters import problems
from tstream.convert.risk import zone_reaction
from tstream.errors import CommandError, Problem, SettingsError
from tstream.paths import find
from tstream.settings.bots import BotSettings
from tstream.settings.declared import filled
from tstream.settings.fields import allowed
from tstream.settings.model import Settings
from tstream.settings.problems import shown
from tstream.settings.sections import ZoneKeys, zone_keys
from tstream.settings.sizing import sizing_of

STRATEGIES = "tstream.strategies"
"""Entry point group: classes with a `Config`, a msgspec Struct of defaults with bounds, that are made with
one of it."""


@zone_keys
class _ZoneParams(ZoneKeys):
    """What zones may be told."""


class Broken(NamedTuple):
    """A strategy of an installed package that can't be used."""

    why: str

    @property
    def remedy(self) -> str:
        return "mend or update its package, or uninstall it"


def kinds() -> dict[str, Any]:
    """Every strategy's class by name, or what is wrong with it; the built-in ones can't be replaced."""
    found: dict[str, Any] = {point.name: _loaded(point) for point in entry_points(group=STRATEGIES)}
    return found | {ZoneReaction.name: ZoneReaction, Indicators.name: Indicators}


def _loaded(point: EntryPoint) -> Any:
    package = f" of the package {point.dist.name} {point.dist.version}" if point.dist is not None else ""
    try:
        kind = point.load()
    except Exception as error:  # noqa: BLE001  # whatever the code of others does when it is imported
        return Broken(f"{point.value}{package} can't be loaded: {_said(error)}")
    config = getattr(kind, "Config", None)
    if not (isinstance(config, type) and issubclass(config, msgspec.Struct)):
        return Broken(f"{point.value}{package} has no Config, a msgspec Struct of its parameters")
    if not callable(getattr(kind, "on_bars", None)):
        return Broken(f"{point.value}{package} has no on_bars, which is asked about closed bars")
    return kind


def _said(error: Exception) -> str:
    """Its kind and its first line, cut to what fits a line."""
    text = (str(error).splitlines() or [""])[0][:200]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def parameters(kind: Any) -> dict[str, str]:
    """The parameters of a strategy's class, and what each may be."""
    if kind is ZoneReaction:
        return {name: allowed(field) for name, field in _ZoneParams.model_fields.items()}
    return described(kind.Config)


def bots(settings: Settings, *, anywhere: bool = False) -> tuple[Bot, ...]:
    """The bots of a run: those of [[bots]], or the one of [strategy]. `anywhere`: in a run of the past, whose
    one book is none of the settings', all of them trade. Raises SettingsError.
    """
    scanning = settings.scan.enabled and not anywhere
    wrong = [] if scanning else _unknown_owners(settings)
    if not settings.bots and wrong:
        raise SettingsError(wrong)
    if not settings.bots and not scanning:
        zones = _zones(settings, zone_reaction(settings), "strategy")
        if isinstance(zones, list):
            raise SettingsError(zones)
        return (lone(zones),)
    known = kinds()
    found: list[Bot] = []
    for index, one in enumerate(settings.bots):
        where = f"bots[{index}]"
        names = [earlier.name for earlier in settings.bots[:index]]
        if one.name in names:
            wrong.append(Problem(f"{where}.name", "is another bot's name already", shown(one.name)))
        foreign = [symbol for symbol in one.instruments if symbol not in settings.contracts]
        if foreign:
            why = f"must be contracts of this run, some of {', '.join(settings.contracts)}"
            wrong.append(Problem(f"{where}.instruments", why, shown(foreign)))
        absent = [book for book in one.books if not _may_be(settings, book)]
        if absent:
            why = f"must be books of the settings, some of {', '.join(_books(settings))}"
            wrong.append(Problem(f"{where}.books", why, shown(absent)))
        if one.shadow and one.shadow not in (papers := [each.name for each in settings.papers]):
            why = f"must be a paper book of this run, one of {', '.join(papers) or 'none'}"
            wrong.append(Problem(f"{where}.shadow", why, shown(one.shadow)))
        if one.strategy not in known:
            why = f"must be one of {', '.join(sorted(known))}"
            wrong.append(Problem(f"{where}.strategy", why, shown(one.strategy)))
            continue
        if isinstance(broken := known[one.strategy], Broken):
            wrong.append(Problem(f"{where}.strategy", broken.why, shown(one.strategy), remedy=broken.remedy))
            continue
        strategy = _strategy(settings, known[one.strategy], one, f"{where}.params")
        if isinstance(strategy, list):
            wrong += strategy
        elif deaf := _deaf(one, strategy):
            wrong.append(Problem(f"{where}.timeframes", deaf, shown(one.timeframes)))
        else:
            config = _config(one, strategy)
            found.append(Bot(structs.replace(config, books=()) if anywhere else config, strategy))
    if wrong:
        raise SettingsError(wrong)
    return (*found, *_scanner(settings)) if scanning else tuple(found)


def _scanner(settings: Settings) -> list[Bot]:
    """The bots of [scan]."""
    from tstream.convert.scan import scan_bots

    books = [book for book in settings.scan.books if not _may_be(settings, book)]
    if books:
        why = f"must be books of the settings, some of {', '.join(_books(settings))}"
        raise SettingsError([Problem("scan.books", why, shown(books))])
    try:
        found = scan_bots(settings)
    except CommandError as error:
        raise SettingsError([Problem("scan", "; ".join(error.lines), remedy=error.lines[-1])]) from None
    names = {one.name for one in settings.bots}
    if twice := [bot.name for bot in found if bot.name in names]:
        raise SettingsError([Problem("bots", "is the name of a scanner's bot: choose another", twice[0])])
    return found


def _deaf(one: BotSettings, strategy: Strategy) -> str:
    """Why a bot would never be asked about what its strategy looks at; empty where it is."""
    looks = getattr(strategy, "timeframes", ())
    if not one.timeframes or not looks or set(looks) & set(one.timeframes):
        return ""
    return f"must have one of those that {one.strategy} looks at: {', '.join(looks)}"


def _unknown_owners(settings: Settings) -> list[Problem]:
    """Bots and rooms that a book asks for, and nobody is called so."""
    names = [*(one.name for one in settings.bots), *settings.rooms]
    why = f"must be bots or rooms of the settings, some of {', '.join(names) or 'none'}"
    return [
        Problem(f"paper[{index}].bots", why, shown(absent))
        for index, one in enumerate(settings.paper)
        if (absent := [name for name in one.bots if name not in names])
    ]


def _zones(settings: Settings, config: ZoneReactionConfig, where: str) -> ZoneReaction | list[Problem]:
    """The strategy, with the bars of its reference where that is a dataset."""
    zones, name, frame = ZoneReaction(config), config.reference, config.reference_timeframe
    if not name or name in settings.contracts:
        return zones
    from adapters.datasets.duck import DatasetError
    from adapters.datasets.library import Library

    library, key = Library(find().datasets), f"{where}.reference"
    if not library.has(name):
        known = ", ".join((*settings.contracts, *library.names()))
        return [Problem(key, f"must be a contract of this run or a dataset, one of {known}", shown(name))]
    try:
        card, bars = library.find(name), list(library.bars(name))
    except DatasetError as error:
        return [Problem(key, str(error), shown(name))]
    if frame.nanos % card.timeframe.nanos:
        why = f"is of {card.timeframe}: bars of {frame} (reference_timeframe) can't be made of these"
        return [Problem(key, why, shown(name))]
    longer = frame is not card.timeframe
    zones.reference_bars = (
        tuple(resample(bars, frame, calendar_of(card.instrument.calendar))) if longer else tuple(bars)
    )
    return zones


def _books(settings: Settings) -> list[str]:
    """The books that the settings name."""
    named = (one.book for venue in settings.venues for one in wanted_books(settings, venue))
    return list(dict.fromkeys((*named, *(one.name for one in settings.papers))))


def _may_be(settings: Settings, book: str) -> bool:
    """Whether a book may be there: one of a login that is taken whole is found at the venue, and an account
    that was alone at its venue once keeps the venue's name.
    """
    found = (name for name, section in settings.venues.items() if section.all_accounts is not None)
    return book in (*_books(settings), *settings.venues) or any(of_venue(book, name) for name in found)


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
            for each in error.errors():
                told = each.get("ctx", {})
                if "key" in told:  # what does not fit together
                    name, why = told["key"], told["message"]
                else:
                    name = str(each["loc"][0])
                    why = f"must be {schema[name]}"
                if all(known.key != f"{where}.{name}" for known in wrong):
                    wrong.append(Problem(f"{where}.{name}", why, shown(one.params.get(name))))
            return wrong
        least = settings.risk.reward_to_risk_min
        return _zones(settings, filled(ZoneReactionConfig, section, min_reward_to_risk=least), where)
    wrong += problems(kind.Config, one.params, where)
    if wrong:
        return wrong
    try:
        made: Strategy = kind(msgspec.convert(one.params, kind.Config))
    except (msgspec.ValidationError, ValueError) as error:
        return [Problem(where, str(error))]
    except Exception as error:  # noqa: BLE001  # the code of others
        return [Problem(where, f"{one.strategy} can't be made with these: {_said(error)}")]
    return made
