"""One backtest, from what was asked and the settings to its result."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, cast

from msgspec.structs import replace
from pydantic import BaseModel, ValidationError

from engine.books.bots import Bot
from engine.lab.backtest import Backtest, BacktestTerms, run_backtest, uneven, unmade
from engine.lab.replay import START_BALANCE_USD
from engine.lab.second_opinion import worth_of
from engine.model.decision import OpinionConfig, OpinionUse
from engine.model.instrument import CME_FUTURES, Instrument
from engine.venue.fill_model import FillModel
from tstream.convert.bots import Broken, bots, kinds, parameters
from tstream.convert.opinion import opinion_config
from tstream.convert.risk import book_sizing, risk_limits
from tstream.errors import Problem, SettingsError, UsageError
from tstream.lab.asked import LabRequest, Params
from tstream.lab.opinion import CHAMPION, OFF, AskedInPast, asked_in_past
from tstream.lab.past import RecordedPast, dataset_of
from tstream.paths import find
from tstream.settings.bots import BotSettings
from tstream.settings.load import load
from tstream.settings.model import Settings
from tstream.settings.problems import problems

_TABLES = ("risk", "strategy")
"""Tables of the settings whose keys a trial may set."""


def settings_of(asked: LabRequest) -> Settings:
    """As the user has them. Raises SettingsError."""
    return load(find(), asked.config).settings


def instrument_of(asked: LabRequest, settings: Settings) -> Instrument:
    """The product with its terms, and the costs that were asked for."""
    known = {one.symbol: one for one in settings.instrument_table()}
    instrument = known.get(asked.contract) or CME_FUTURES.get(asked.contract)
    if instrument is None:
        dataset = dataset_of(asked.tape)
        if dataset is None:
            raise UsageError(f"unknown contract {asked.contract}")
        instrument = dataset.instrument
    if asked.costs is None:
        return instrument
    nothing = Decimal(0)
    return replace(
        instrument, commission_usd=asked.costs, fee_usd=nothing, maker_rate=nothing, taker_rate=nothing
    )


def run_trial(
    past: RecordedPast,
    asked: LabRequest,
    settings: Settings,
    params: Params,
    progress: Callable[[int], None] | None = None,
    *,
    compared: bool = False,
) -> Backtest:
    """Play the past once with these parameters; `compared`, where a model decides with the rules: and once
    more with the rules alone. Raises UsageError for what can't be played, and for a past that the model was
    trained on; FatalError where the model fails.
    """
    changed = changed_settings(settings, params)
    terms = terms_of(changed, asked, bars=past.bars)
    require_bars(past, bots_of(changed, asked, params), asked)
    wanted = opinion_of(settings, asked)
    with asked_of(past, asked, wanted) as opinion:
        alone, bots = None, bots_of(changed, asked, params)
        if compared and wanted.use is OpinionUse.DECIDE and opinion.asks:
            alone = run_backtest(past.market, bots, terms, past.end_ts, progress)
            bots = bots_of(changed, asked, params)  # strategies remember
        terms = replace(terms, opinion=wanted)
        found = run_backtest(
            past.market,
            bots,
            terms,
            past.end_ts,
            progress,
            predictor=opinion.predictor,
            in_sample=opinion.in_sample,
        )
    told = found.summary.opinion
    if alone is None or told is None:
        return found
    told = replace(told, worth=worth_of(alone.trades, found.trades))
    return replace(found, summary=replace(found.summary, opinion=told))


@contextmanager
def asked_of(past: RecordedPast, asked: LabRequest, wanted: OpinionConfig) -> Iterator[AskedInPast]:
    """The model that is asked, at work. Raises UsageError where it was trained on what is played and nobody
    wants that, or judges bars that can't be made of it; FatalError where it can't be asked.
    """
    span, name = (past.market.start_ts, past.end_ts), asked.model or CHAMPION
    with asked_in_past(wanted.use, find(), span, name, must=asked.model is not None) as opinion:
        if opinion.in_sample and not asked.in_sample:
            raise UsageError(
                f"{opinion.in_sample}: it has seen the answers. --from DAY plays what came after,"
                " --model off asks none, and --in-sample plays it all the same and says so"
            )
        if opinion.timeframe is not None and (wrong := uneven(past.market, [opinion.timeframe])):
            raise UsageError(f"{wrong}, which the model judges: --model off asks none")
        yield opinion


def opinion_of(settings: Settings, asked: LabRequest) -> OpinionConfig:
    """Who is heard beside the rules. There is no need to know how right the model is between ideas."""
    own = replace(opinion_config(settings), sample_ns=0)
    if asked.model is None:
        return own
    return replace(own, use=OpinionUse.OFF if asked.model == OFF else OpinionUse.DECIDE)


def require_bars(past: RecordedPast, made: Sequence[Bot], asked: LabRequest) -> None:
    """Raises UsageError where bots look at bars that can't be made of what is recorded."""
    if wrong := unmade(past.market, made):
        remedy = "--timeframe, or its parameters, say what it looks at"
        raise UsageError(f"{asked.strategy}: {wrong}; {remedy}")


def terms_of(settings: Settings, asked: LabRequest, *, bars: bool) -> BacktestTerms:
    """On what it trades; `bars`: it is told in bars."""
    model = FillModel() if asked.slippage is None else FillModel(slippage_ticks=asked.slippage)
    return BacktestTerms(
        risk=risk_limits(settings),
        sizing=book_sizing(settings, None),
        balance_usd=START_BALANCE_USD if asked.cash is None else asked.cash,
        model=model.on_whole_bars() if bars else model,
        opinion=replace(opinion_config(settings), use=OpinionUse.OFF),
    )


def bots_of(settings: Settings, asked: LabRequest, params: Params) -> tuple[Bot, ...]:
    """The bot of the settings with that name, or the strategy alone, with its parameters. Each call makes new
    ones: strategies remember.
    """
    named = next((one for one in settings.bots if one.name == asked.strategy), None)
    known = sorted({*kinds(), *(one.name for one in settings.bots)})
    if named is None and asked.strategy not in kinds():
        raise UsageError(f'unknown strategy "{asked.strategy}"; known are {", ".join(known)}')
    if named is None:
        named = BotSettings(name="backtest", strategy=asked.strategy)
    changes: dict[str, Any] = {
        "params": _with(named.params, params),
        "instruments": (),
    }
    if asked.timeframe is not None:
        changes["timeframes"] = (asked.timeframe,)
        kind = kinds().get(named.strategy)
        if kind is not None and not isinstance(kind, Broken) and "timeframe" in parameters(kind):
            changes["params"].setdefault("timeframe", asked.timeframe)
    bot = named.model_copy(update=changes)
    try:
        return bots(settings.model_copy(update={"bots": (bot,)}), anywhere=True)
    except SettingsError as error:
        raise UsageError(*(_told(problem, asked.strategy) for problem in error.problems)) from None


def _told(problem: Problem, strategy: str) -> str:
    key = problem.key.removeprefix("bots[0].params").removeprefix(".")
    value = "" if problem.value is None else f" = {problem.value}"
    return f"{strategy}: {key}{value}{': ' if key or value else ''}{problem.message}"


def _of_settings(key: str) -> bool:
    """Whether a parameter is a key of a table of the settings, and not one of the strategy."""
    table, dot, _ = key.partition(".")
    return bool(dot) and table in Settings.model_fields


def _with(known: Mapping[str, Any], params: Params) -> dict[str, Any]:
    """A strategy's parameters with these set; those of its tables by their path, as in entry.rsi_length."""
    found: dict[str, Any] = copy.deepcopy(dict(known))
    for key, text in params.items():
        if _of_settings(key):
            continue
        *tables, last = key.split(".")
        inner = found
        for name in tables:
            inner = inner.setdefault(name, {})
            if not isinstance(inner, dict):
                raise UsageError(f"{key}: {name} is no table")
        inner[last] = _value(text)
    return found


def changed_settings(settings: Settings, params: Params) -> Settings:
    """The settings with keys of their tables changed. Raises UsageError."""
    tables: dict[str, dict[str, object]] = {}
    for key, text in params.items():
        if not _of_settings(key):
            continue
        table, _, name = key.partition(".")
        section = getattr(settings, table, None)
        if (
            table not in _TABLES
            or not isinstance(section, BaseModel)
            or name not in type(section).model_fields
        ):
            raise UsageError(f"unknown key {key}: those of {', '.join(_TABLES)} may be changed")
        tables.setdefault(table, {})[name] = _value(text)
    for table, changes in tables.items():
        section = cast("BaseModel", getattr(settings, table))
        told = {name: getattr(section, name) for name in section.model_fields_set}
        try:
            made = type(section)(**{**told, **changes})
        except ValidationError as error:
            found = error.errors(include_url=False)
            for each in found:
                each["loc"] = (table, *each["loc"])
            raise SettingsError(problems(found, Settings, lambda key: "")) from None
        settings = settings.model_copy(update={table: made})
    return settings


def _value(text: str) -> object:
    """What a text stands for: a number, true, false, a list or a table as in the settings, or itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
