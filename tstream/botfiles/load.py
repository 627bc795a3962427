"""Settings with the bots of JSON files in them, checked as a whole; what is wrong, in words of the files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tstream.botfiles.places import symbol_of
from tstream.botfiles.read import read_all
from tstream.botfiles.tables import BotTables
from tstream.errors import Problem, SettingsError
from tstream.paths import Paths
from tstream.settings.load import Loaded, load
from tstream.settings.problems import shown

_ROW = re.compile(r"(bots|paper)\[(\d+)\]\.?(.*)")
_PATHS = {
    "bots": (
        ("params.entry", "strategy.entry_logic.params"),
        ("params.exits", "strategy.exit_logic"),
        ("params.timeframe", "data.interval"),
        ("params", "strategy.params"),
        ("strategy", "strategy.type"),
        ("instruments", "trading.symbol"),
        ("sizing", "trading.position_size"),
        ("max_open_trades", "trading.max_positions"),
        ("plans_per_contract", "trading.max_positions"),
        ("max_trades", "risk_management.max_daily_trades"),
        ("timeframes", "data.interval"),
    ),
    "paper": (
        ("balance_usd", "broker.initial_balance"),
        ("commission_percent", "broker.commission"),
        ("risk.daily_loss_usd", "risk_management.max_daily_loss"),
        ("risk.per_trade_usd", "risk_management.max_daily_loss"),
        ("risk.max_drawdown_percent", "trading.max_drawdown_pct"),
        ("risk.max_exposure_percent", "trading.max_exposure"),
        ("risk.max_open_trades", "trading.max_positions"),
        ("risk.max_trades", "risk_management.max_daily_trades"),
    ),
}
"""Where the keys of the tables that are made of a file come from."""


def load_bots(places: Paths, config: Path | None, paths: Sequence[Path]) -> tuple[Loaded, BotTables]:
    """The settings with these bots in them; touches no network. Raises SettingsError with everything that is
    wrong, in any file.
    """
    from tstream.convert.bots import bots

    found, wrong = read_all(paths)
    tables = BotTables(found, wrong)
    try:
        loaded = load(places, config, tables.add)
        if wrong := tables.check(loaded.settings):
            raise SettingsError(wrong)
        bots(loaded.settings)
    except SettingsError as error:
        raise SettingsError([_in_file(one, tables) for one in error.problems]) from None
    return loaded, tables


def _in_file(problem: Problem, tables: BotTables) -> Problem:
    """A problem with what was made of a file, at the key of the file."""
    match = _ROW.match(problem.key)
    if problem.key == "contracts":
        return _of_symbol(problem, tables)
    if match is None:
        return problem
    kind, index, rest = match[1], int(match[2]), match[3]
    bot = tables.row(kind, index)
    if bot is None:
        return problem
    where = next(
        (path + rest[len(key) :] for key, path in _PATHS[kind] if rest.startswith(key)), rest or "name"
    )
    return replace(problem, key=where, origin=f"{bot.path}")


def _of_symbol(problem: Problem, tables: BotTables) -> Problem:
    """What is wrong with a contract, at the file that trades it."""
    for one in tables.bots:
        symbol = symbol_of(one.file.trading.symbol)
        if problem.value == shown(symbol):
            remedy = f'write "{symbol}@{tables.places[one.name].venue}"'
            return replace(problem, key="trading.symbol", origin=f"{one.path}", remedy=remedy)
    return problem
