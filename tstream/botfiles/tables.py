"""From JSON files to the settings' own tables: [[bots]], a book for each, its venue, its contract.

There is no second way to run a bot: what stands in a file could stand in tstream.toml.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from engine.model.config import TradingSwitch
from tstream.botfiles.limits import play_limits, strictest
from tstream.botfiles.logic import CUSTOM, Logic
from tstream.botfiles.model import NotificationsPart
from tstream.botfiles.places import (
    BotPlace,
    Money,
    accounts_of,
    book_of,
    check_symbol,
    currency_of,
    place_of,
    real_book,
    symbol_of,
)
from tstream.botfiles.read import NamedBot, in_line
from tstream.errors import Problem
from tstream.settings.load import login_problems
from tstream.settings.model import Settings
from tstream.settings.problems import shown


class BotTables:
    """Adds bots of files to what tstream.toml says, and knows what is wrong with both together."""

    def __init__(self, bots: Sequence[NamedBot], wrong: Sequence[Problem] = ()) -> None:
        """`wrong` is what is known already, of files that are not among these."""
        self.bots = tuple(bots)
        self._wrong = tuple(wrong)
        self._before = {"bots": 0, "paper": 0}
        """So many tables tstream.toml has of its own."""
        self.places: dict[str, BotPlace] = {}
        """Where each bot trades, by its name."""
        self.alone = False
        """tstream.toml has no bots of its own: its [strategy] trades nothing beside these."""
        self._books: dict[str, str] = {}
        """By bot, the book of the account of those that trade in one."""

    def book(self, bot: str) -> str:
        """The book that a bot trades in: one of its own inside tstream, or that of a venue's account."""
        return self._books.get(bot, bot)

    def add(self, table: dict[str, Any]) -> list[Problem]:
        """Put them into the table of tstream.toml; gives what is wrong in the files."""
        wrong = list(self._wrong)
        rows: list[dict[str, Any]] = []
        for one in self.bots:
            found, where = self._row(one, table)
            wrong += where
            if found is not None:
                rows.append(found)
        wrong += self._apart()
        wrong += self._names(table)
        if wrong:
            return wrong
        self._before = {kind: len(_list(table.get(kind))) for kind in self._before}
        self.alone = not self._before["bots"]
        table["bots"] = [*_list(table.get("bots")), *rows]
        table["paper"] = [*_list(table.get("paper")), *self._papers(table)]
        self._venues(table)
        symbols = [row["instruments"][0] for row in rows]
        known = table.get("contracts")
        known = known.split(",") if isinstance(known, str) else known if isinstance(known, list) else []
        table["contracts"] = list(dict.fromkeys([*known, *symbols]))
        if any(place.money is Money.PAPER and not place.play for place in self.places.values()):
            table.setdefault("trading", str(TradingSwitch.PAPER))
        return wrong

    def row(self, kind: str, index: int) -> NamedBot | None:
        """Of which file a table [[bots]] or [[paper]] was made; None for those of tstream.toml."""
        play = [one for one in self.bots if self.places[one.name].money is Money.PAPER]
        made = self.bots if kind == "bots" else play
        place = index - self._before[kind]
        return made[place] if 0 <= place < len(made) else None

    def lines(self) -> list[tuple[NamedBot, str]]:
        """What each bot does, in a line."""
        return [(one, self._words(one)) for one in self.bots]

    def _words(self, one: NamedBot) -> str:
        place, file = self.places[one.name], one.file
        market = "a market of tstream's own" if place.play else place.kind
        money = f"{file.broker.initial_balance:f} of play money"
        if place.money is Money.REAL:
            money = f"the account at {place.venue}"
        bars = f"{file.data.interval} bars of {market}"
        return f"{one.path}: {one.name} trades {symbol_of(file.trading.symbol)} on {bars}, with {money}"

    def wishes(self) -> dict[str, NotificationsPart]:
        """By book, what its bot wants told. Of a book that several trade in all that any of them wants."""
        return {self.book(one.name): one.file.notifications for one in self.bots}

    # --- one file ------------------------------------------------------------------------------------------

    def _row(self, one: NamedBot, table: Mapping[str, Any]) -> tuple[dict[str, Any] | None, list[Problem]]:
        """Its [[bots]] table."""
        file, origin, wrong = one.file, f"{one.path}", list[Problem]()

        def say(key: str, why: str, remedy: str, value: object = None) -> None:
            wrong.append(Problem(key, why, None if value is None else shown(value), origin, remedy))

        found = place_of(file, table, say)
        if found is not None:
            self.places[one.name] = found
        trading, strategy = file.trading, file.strategy
        symbol = symbol_of(trading.symbol)
        if found is not None:
            check_symbol(found.kind, symbol, table, say)
            if found.money is Money.REAL:
                self._books[one.name] = real_book(found.venue, file.broker.book, table, say)
        if file.data.symbol is not None and symbol_of(file.data.symbol) != symbol:
            why = f"differs from trading.symbol ({in_line(trading.symbol)}): a bot trades what it looks at"
            say("data.symbol", why, f'write "{in_line(trading.symbol)}", or leave it out', file.data.symbol)
        sizes = [size for size in (trading.position_size, strategy.position_size) if size is not None]
        if not sizes:
            why = "is needed: how large a trade is, as a share of the equity"
            say("trading.position_size", why, 'add "position_size", such as 0.1')
        elif len(set(sizes)) > 1:
            why = f"differs from trading.position_size ({trading.position_size})"
            say("strategy.position_size", why, "leave one of them out", strategy.position_size)
        if trading.max_exposure is not None and sizes and max(sizes) > trading.max_exposure:
            why = f"is more than trading.max_exposure allows ({trading.max_exposure})"
            say("trading.position_size", why, f"write at most {trading.max_exposure}", max(sizes))
        name, params = strategy.type, dict(strategy.params)
        if name == CUSTOM:
            logic = Logic(file, origin)
            wrong += logic.problems
            name, params = "indicators", logic.params
            if strategy.params:
                why = "is for strategies that are not custom"
                say("strategy.params", why, "move them to entry_logic or exit_logic")
            if file.data.lookback_bars < logic.needs:
                why = f"is too short: its indicators need {logic.needs} bars"
                say("data.lookback_bars", why, f"write at least {logic.needs}", file.data.lookback_bars)
        else:
            wrong += _strategy_problems(file.strategy.type, params, origin)
        if wrong or found is None:
            return None, wrong
        row: dict[str, Any] = {
            "name": one.name,
            "strategy": name,
            "params": _plain(params),
            "instruments": [symbol],
            "books": [self.book(one.name)],
            "sizing": {"kind": "equity_notional", "percent": sizes[0] * 100},
            "max_open_trades": trading.max_positions,
            "plans_per_contract": trading.max_positions,
        }
        if name != "indicators" or strategy.type != CUSTOM:
            row["timeframes"] = [str(file.data.interval)]
        if file.risk_management.max_daily_trades is not None:
            row["max_trades"] = file.risk_management.max_daily_trades
        return row, []

    # --- all of them ---------------------------------------------------------------------------------------

    def _apart(self) -> list[Problem]:
        """Play markets live in a time of their own, so bots on them run by themselves."""
        play = [one for one in self.bots if (at := self.places.get(one.name)) and at.play]
        real = [one for one in self.bots if (at := self.places.get(one.name)) and not at.play]
        if not play or not real:
            return []
        why = f"can't run beside {real[0].path}, whose prices are real: a market of our own has its own time"
        return [
            Problem("broker.type", why, shown(one.file.broker.type), f"{one.path}", "run them apart")
            for one in play
        ]

    def _names(self, table: Mapping[str, Any]) -> list[Problem]:
        bots = [row.get("name") for row in _list(table.get("bots")) if isinstance(row, Mapping)]
        books = [row.get("name", "paper") for row in _list(table.get("paper")) if isinstance(row, Mapping)]
        return [
            Problem(
                "name",
                f"is {what} of tstream.toml already",
                shown(one.name),
                f"{one.path}",
                'add another "name"',
            )
            for one in self.bots
            for what, names in (("a bot", bots), ("a paper book", books))
            if one.name in names
        ]

    def _papers(self, table: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
        """A book of play money for each bot that has one."""
        for one in self.bots:
            if self.places[one.name].money is Money.REAL:
                continue
            broker = one.file.broker
            book: dict[str, Any] = {
                "name": one.name,
                "enabled": True,
                "balance_usd": broker.initial_balance,
                "currency": currency_of(
                    self.places[one.name].kind, symbol_of(one.file.trading.symbol), table
                ),
                "bots": [one.name],
                "risk": play_limits(one),
            }
            if broker.commission is not None:
                book["commission_percent"] = broker.commission * 100
            yield book

    def _venues(self, table: dict[str, Any]) -> None:
        """Those that are needed, beside what the file says. A run with play markets takes no others."""
        said = table.get("venues")
        venues: dict[str, Any] = dict(said) if isinstance(said, Mapping) else {}
        there = {
            name for name, one in venues.items() if not isinstance(one, Mapping) or one.get("enabled", True)
        }
        play = any(place.play for place in self.places.values())
        for name in {place.venue for place in self.places.values()}:
            mine = [one for one in self.bots if self.places[one.name].venue == name]
            place = self.places[mine[0].name]
            section: dict[str, Any] = {"kind": place.kind, **venues.get(name, {}), "enabled": True}
            section["at"] = str(place.at)
            section.setdefault("retry_seconds", min(one.file.data.retry_interval for one in mine))
            real = [one for one in mine if self.places[one.name].money is Money.REAL]
            if real:
                self._limit(section, name, real, table.get("risk"))
            elif not place.play and name not in there:
                section["prices_only"] = True
            venues[name] = section
        needed = {place.venue for place in self.places.values()}
        for name, section in venues.items():
            if play and name not in needed and isinstance(section, Mapping):
                venues[name] = {**section, "enabled": False}
        table["venues"] = venues

    def _limit(self, section: dict[str, Any], venue: str, bots: Sequence[NamedBot], run: object) -> None:
        """Give the accounts of a venue the limits of the bots that trade on them."""
        rows = [dict(row) for row in accounts_of(section)]
        if not rows:
            section["risk"] = strictest(bots, section.get("risk"), run)
            return
        for row in rows:
            mine = [one for one in bots if self.book(one.name) == book_of(venue, rows, row)]
            if mine:
                own = {**section.get("risk", {}), **row.get("risk", {})}
                row["risk"] = strictest(mine, own, run)
        section["accounts"] = rows

    # --- what settings and files say together --------------------------------------------------------------

    def check(self, settings: Settings) -> list[Problem]:
        """What is wrong with the files beside settings that are good by themselves."""
        wrong: list[Problem] = []
        for one in self.bots:
            wrong += _switch_problems(one, self.places[one.name], settings)
            wrong += _channel_problems(one, settings)
            wrong += _source_problems(one, self.places[one.name], settings)
            wrong += _size_problems(one, self.places[one.name], settings)
        needed = dict.fromkeys(place.venue for place in self.places.values())
        return wrong or [problem for name in needed for problem in login_problems(settings, name)]


def _switch_problems(one: NamedBot, place: BotPlace, settings: Settings) -> list[Problem]:
    live = place.money is Money.REAL and not place.play
    if settings.trading is TradingSwitch.OFF or (live and settings.trading is not TradingSwitch.LIVE):
        wanted = "live" if live else "paper"
        why = f'asks for trades, and tstream.toml has trading = "{settings.trading}"'
        remedy = f'set trading = "{wanted}" in tstream.toml'
        return [Problem("broker.type", why, shown(one.file.broker.type), f"{one.path}", remedy)]
    return []


def _source_problems(one: NamedBot, place: BotPlace, settings: Settings) -> list[Problem]:
    """Of a contract that another venue of the run prices: a bot looks at the prices that its file names."""
    symbol = symbol_of(one.file.trading.symbol)
    priced = (known for known in settings.instrument_table() if known.symbol == symbol)
    venues = next(map(settings.priced_at, priced), ())
    if place.venue in venues[:1]:
        return []
    why = f"would have its prices from {', '.join(venues)}, and not from {place.venue}"
    remedy = f'write "{symbol}@{place.venue}"'
    return [Problem("trading.symbol", why, shown(symbol), f"{one.path}", remedy)]


def _size_problems(one: NamedBot, place: BotPlace, settings: Settings) -> list[Problem]:
    """Of play money, whose balance is known: a share of it so small that its venue would take no order."""
    file = one.file
    share = file.trading.position_size or file.strategy.position_size
    symbol = symbol_of(file.trading.symbol)
    known = next((known for known in settings.instrument_table() if known.symbol == symbol), None)
    if known is None or share is None or place.money is not Money.PAPER:
        return []
    worth, least = file.broker.initial_balance * share, known.least_notional
    if worth >= least:
        return []
    told = f"{worth.normalize():f} {known.currency}"
    why = f"makes trades of {told}, and {place.kind} takes none below {least.normalize():f}"
    remedy = f"write {(least / file.broker.initial_balance).normalize():.6f} or more, or a larger balance"
    return [Problem("trading.position_size", why, str(share), f"{one.path}", remedy)]


def _channel_problems(one: NamedBot, settings: Settings) -> list[Problem]:
    said, notify, wrong = one.file.notifications, settings.notify, []
    if not said.enabled:
        return []
    telegram = notify.telegram_token.get_secret_value() and notify.telegram_chats
    for name, channel, there, wanted in (
        ("telegram", said.telegram, telegram, "notify.telegram_chats and TSTREAM_NOTIFY_TELEGRAM_TOKEN"),
        ("email", said.email, notify.mail_server, "notify.mail_server, mail_from and mail_to"),
    ):
        if channel.enabled and not there:
            why = "asks for news that no channel brings: tstream.toml has none of this kind"
            remedy = f"set {wanted} (docs/notifications.md), or write false"
            key = f"notifications.{name}.enabled"
            wrong.append(Problem(key, why, "true", f"{one.path}", remedy))
    return wrong


def _strategy_problems(name: str, params: Mapping[str, Any], origin: str) -> list[Problem]:
    """Of a strategy that is not custom: whether there is one, and what is wrong with its parameters."""
    from tstream.convert.bots import Broken, kinds, parameters

    known = kinds()
    names = ", ".join((CUSTOM, *sorted(known)))
    if name not in known:
        why = "is no strategy of this installation"
        return [Problem("strategy.type", why, shown(name), origin, f"write one of {names}")]
    kind = known[name]
    if isinstance(kind, Broken):
        return [Problem("strategy.type", kind.why, shown(name), origin, kind.remedy)]
    has = parameters(kind)
    return [
        Problem(
            f"strategy.params.{in_line(one)}",
            f"is no parameter of {name}",
            None,
            origin,
            f"there are {', '.join(has) or 'none'}",
        )
        for one in params
        if one not in has
    ]


def _list(value: object) -> list[Any]:
    """What tstream.toml may hold once or several times."""
    return [value] if isinstance(value, Mapping) else list(value) if isinstance(value, (list, tuple)) else []


def _plain(value: Any) -> Any:
    """Parameters as TOML would have them."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return float(value) if isinstance(value, Decimal) else value
