"""The tables [[bots]] of tstream.toml: which strategies run, on what, for whom, within which limits."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator
from pydantic_core import PydanticUndefined
from pydantic_settings import NoDecode

from engine.model.bots import BotConfig
from tstream.settings.alerts import Names
from tstream.settings.declared import DeclaredSection, keys_of
from tstream.settings.fields import SOME_TIMEFRAMES, CommaSeparated, Number, Timeframes, setting
from tstream.settings.instruments import Symbol
from tstream.settings.sizing import Sizings, refuse_moved, sizing_key
from tstream.settings.venues import PaperName

Symbols = Annotated[tuple[Symbol, ...], NoDecode, CommaSeparated]


@keys_of(BotConfig("", ""), books=Names)
class BotSettings(DeclaredSection):
    """A bot: a strategy with parameters, contracts, books and limits of its own. Without any, the one of
    [strategy] trades everything.
    """

    name: PaperName = setting(
        PydanticUndefined,
        "What it is called; each has its own.",
        allowed="a short name of small letters, digits and hyphens",
    )
    strategy: str = setting(
        "zones", "What it runs; `tstream strategies` lists them.", allowed="a strategy's name"
    )
    params: dict[str, Any] = setting(
        {},
        "The strategy's own parameters; `tstream strategies` lists them.",
        allowed="a table of parameters",
    )
    instruments: Symbols = setting(
        (), "The contracts that it is asked about; empty means all.", allowed="a list of contracts"
    )
    timeframes: Timeframes = setting(
        (),
        "It is asked when a bar of one of these closes; empty means those of its strategy, mostly 1m, 5m, "
        "15m, 30m and 1h.",
        allowed=SOME_TIMEFRAMES,
    )
    sizing: Sizings | None = sizing_key(
        "How large its trades are.", "that of the book; by risk where that has none"
    )
    min_score: Annotated[Number, Field(ge=0, le=10)] | None = setting(
        None,
        "Least score of its ideas, out of ten.",
        reload="live",
        allowed="a number from 0 to 10",
        default="the strategy's own",
    )

    _moved = model_validator(mode="before")(refuse_moved)
