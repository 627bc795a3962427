"""Settings that are read again while everything runs: taken whole, in one step, or not at all.

What loosens no limit counts at once. What would loosen one on an account with money at stake is held back and
asked for; until a person agrees it stays as it was (docs/operations.md#reload).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace

from engine.books.alert_trading import AlertTrading
from engine.books.book import Book
from engine.books.bots import Bot, introduce
from engine.books.commands import Answer
from engine.books.opening import BookMaker
from engine.model import records as r
from engine.model.blackouts import Blackouts
from engine.model.commands import AnswerLoosening, SettingsCommand
from engine.model.config import BookConfig, EngineConfig
from engine.model.events import SettingsReloaded
from engine.model.orders import AccountKind
from engine.model.reload import BookTerms, BotTerms, Loosened, LooseningView, taken, taken_blackouts
from engine.model.rooms import AlertRoom
from engine.signals.market_data import MarketData
from engine.state.turn import Turn
from engine.strategies.protocol import Following

_T = TypeVar("_T", bound=msgspec.Struct)


class WantedTerms(NamedTuple):
    """All that the settings say of what can change."""

    books: tuple[BookConfig, ...]
    """Those that are named, and those that were found at a venue and are open."""
    templates: tuple[BookConfig, ...]
    bots: tuple[BotTerms, ...]
    rooms: tuple[AlertRoom, ...]
    blackouts: Blackouts


class LooseningQuestion(NamedTuple):
    """What a person is asked, and what counts once the answer is yes."""

    number: int
    loosened: tuple[Loosened, ...]
    wanted: WantedTerms


class Reloading:
    """Of one run. A question lives as long as the run: the next start takes the settings as they stand."""

    def __init__(
        self,
        config: EngineConfig,
        turn: Turn,
        books: Mapping[str, Book],
        bots: Sequence[Bot],
        market: MarketData,
        maker: BookMaker,
        alerts: AlertTrading,
    ) -> None:
        self._config = config
        self._turn = turn
        self._books = books
        self._bots = bots
        self._market = market
        self._maker = maker
        self._alerts = alerts
        self._rooms = config.rooms
        self._asked = 0
        self.question: LooseningQuestion | None = None

    def take(self, event: SettingsReloaded) -> None:
        """Take new settings in. All is worked out before anything is changed."""
        turn, command = self._turn, event.command
        if event.refused:
            turn.commit(r.CommandTaken(ts=turn.now, command=command, answer=event.refused, done=False))
            return
        wanted = self._wanted(event)
        news = event.blackouts != self._market.blackouts
        values, loosened = self._at_once(wanted)
        self._follow(values)
        self.question = None
        if loosened:
            self._asked += 1
            self.question = LooseningQuestion(self._asked, loosened, wanted)
        if event.changes or event.waiting or loosened:
            turn.commit(
                r.SettingsChanged(
                    ts=turn.now,
                    by=command.source,
                    changes=event.changes,
                    waiting=event.waiting,
                    asked=loosened,
                )
            )
        text = told(event, loosened, news=news)
        turn.commit(r.CommandTaken(ts=turn.now, command=command, answer=text, done=not loosened))

    def answer(self, command: SettingsCommand) -> None:
        """A person has answered the question, and what that came to is written down."""
        turn = self._turn
        text, done = self._answered(command)
        turn.commit(r.CommandTaken(ts=turn.now, command=command, answer=text, done=done))

    def _answered(self, command: SettingsCommand) -> Answer:
        question = self.question
        if not isinstance(command, AnswerLoosening):
            return Answer("this run reads no settings again", done=False)
        if question is None or question.number != command.asked:
            return Answer("nothing is asked any more: nothing was changed", done=False)
        turn = self._turn
        if command.yes:
            self._follow(question.wanted)
        self.question = None
        turn.commit(
            r.LooseningAnswered(ts=turn.now, by=command.source, yes=command.yes, loosened=question.loosened)
        )
        limits = "1 limit" if len(question.loosened) == 1 else f"{len(question.loosened)} limits"
        return Answer(f"{limits} loosened" if command.yes else f"{limits} not loosened: as before")

    @property
    def asked(self) -> LooseningView | None:
        """The question, as people see it."""
        question = self.question
        return None if question is None else LooseningView(question.number, question.loosened)

    # --- what counts -------------------------------------------------------------------------------------

    def _wanted(self, event: SettingsReloaded) -> WantedTerms:
        """All as the settings have it, of what this run has."""
        books = {one.name: one for one in event.books}
        templates = {one.venue: one for one in event.templates}
        rooms = {room.name: room for room in event.rooms}
        bots = {one.config.name: one for one in event.bots}
        return WantedTerms(
            tuple(_with(one, books.get(one.name, _like(one, templates))) for one in self._known),
            tuple(_with(one, templates.get(one.venue)) for one in self._config.templates),
            tuple(bots[bot.name] for bot in self._bots if bot.name in bots),
            tuple(rooms.get(room.name, room) for room in self._rooms),
            event.blackouts,
        )

    def _at_once(self, wanted: WantedTerms) -> tuple[WantedTerms, tuple[Loosened, ...]]:
        """What of it counts at once, and which limits stay."""
        loosened: list[Loosened] = []

        def at_once(old: _T, new: _T, owner: str, *, live: bool) -> _T:
            if not live:
                return new
            found = taken(old, new, owner)
            loosened.extend(found.loosened)
            values: _T = found.values
            return values

        def books(old: tuple[BookConfig, ...], new: tuple[BookConfig, ...]) -> tuple[BookConfig, ...]:
            return tuple(
                _with(was, at_once(_terms(was), _terms(now), _words(was), live=self._live(was)))
                for was, now in zip(old, new, strict=True)
            )

        configs = books(self._known, wanted.books), books(self._config.templates, wanted.templates)
        mine = {bot.name: bot for bot in self._bots}
        bots = []
        for terms in wanted.bots:
            bot = mine[terms.config.name]
            live = any(self._live(book) for book in self._all if bot.config.enters(book.name))
            owner = bot.words.removeprefix("the ")
            bots.append(replace(terms, config=at_once(bot.config, terms.config, owner, live=live)))
        rooms = []
        for room, new in zip(self._rooms, wanted.rooms, strict=True):
            followed = (one for one in self._all if room.follows(one.name) or new.follows(one.name))
            live = any(map(self._live, followed))
            rooms.append(at_once(room, new, f"room {room.name}", live=live))
        news = wanted.blackouts
        if any(map(self._live, self._all)):
            found = taken_blackouts(self._market.blackouts, news, self._turn.wall)
            news = found.values
            loosened.extend(found.loosened)
        return WantedTerms(*configs, tuple(bots), tuple(rooms), news), tuple(loosened)

    @property
    def _known(self) -> tuple[BookConfig, ...]:
        """The books that are named, and those that were found."""
        named = {one.name for one in self._config.books}
        found = (book.config for name, book in self._books.items() if name not in named)
        return (*self._config.books, *found)

    @property
    def _all(self) -> tuple[BookConfig, ...]:
        return (*self._known, *self._config.templates)

    def _live(self, config: BookConfig) -> bool:
        """Whether money is at stake in a book; where nobody knows its account, it may be. Of a template it is
        where that is so for a book like it, or there is none yet.
        """
        if config.paper is not None:
            return False
        if not config.name:
            like = [one for one in self._known if one.paper is None and config.venue in ("", one.venue)]
            return not like or any(map(self._live, like))
        known = self._turn.state.books.get(config.name)
        if known is None or known.account is None:
            return True
        return known.account.kind is AccountKind.LIVE

    def _follow(self, values: WantedTerms) -> None:
        """From now on these count. What may fail comes first, and leaves everything as it was."""
        terms = {one.config.name: one for one in values.bots}
        strategies = {
            bot.name: msgspec.convert(terms[bot.name].strategy, type(bot.strategy.config))
            for bot in self._bots
            if isinstance(bot.strategy, Following) and bot.name in terms and terms[bot.name].strategy
        }
        self._alerts.follow(values.rooms)  # the only part that checks something
        self._rooms = values.rooms
        configs = {one.name: one for one in values.books}
        named = tuple(configs[one.name] for one in self._config.books)
        self._config = replace(self._config, books=named, templates=values.templates)
        self._maker.follow(self._config)
        for name, book in self._books.items():
            if name in configs:
                book.follow(_with(book.config, _terms(configs[name])))
        self._market.blackouts = values.blackouts
        self._market.stale_after(self._config.stale_ns)
        for bot in self._bots:
            if bot.name in terms:
                bot.config = terms[bot.name].config
            if bot.name in strategies and isinstance(bot.strategy, Following):
                bot.strategy.follow(strategies[bot.name])
        introduce(self._bots, self._market.board, self._turn.state.experience)


def told(event: SettingsReloaded, loosened: Sequence[Loosened], *, news: bool = False) -> str:
    """What a reload came to, in words."""
    parts = [f"settings: {', '.join(one.words for one in event.changes) or 'nothing has changed'}"]
    if news:
        count = len(event.blackouts.events)
        parts.append(f"scheduled news: {count} event{'' if count == 1 else 's'}")
    if loosened:
        parts.append(f"not yet, asked first: {', '.join(one.words for one in loosened)}")
    if event.waiting:
        parts.append(f"from the next start on: {', '.join(event.waiting)}")
    return "; ".join(parts)


def _words(config: BookConfig) -> str:
    if config.name:
        return f"book {config.name}"
    return f"accounts at {config.venue}" if config.venue else "accounts"


def _like(config: BookConfig, templates: Mapping[str, BookTerms]) -> BookTerms | None:
    """What counts for a book that was found at a venue."""
    return templates.get(config.venue, templates.get(""))


def _terms(config: BookConfig) -> BookTerms:
    return BookTerms(config.name, config.venue, config.risk, config.copy_ratio, config.sizing)


def _with(config: BookConfig, terms: BookTerms | None) -> BookConfig:
    if terms is None:
        return config
    return replace(config, risk=terms.risk, copy_ratio=terms.copy_ratio, sizing=terms.sizing)
