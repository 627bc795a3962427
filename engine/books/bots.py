"""The bots of one run: who is asked about which bars, who is out, and what each bot's own limits say."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal

from msgspec import structs

from engine.market.bars import BarsClosed
from engine.model import records as r
from engine.model.bots import BotConfig, BotMode
from engine.model.commands import BotCommand, StartBot
from engine.model.config import EngineConfig
from engine.model.decision import OpinionUse
from engine.model.events import BotOverran
from engine.model.expectation import Expectation
from engine.model.instrument import Instrument
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, USUAL, Timeframe
from engine.model.notices import NoticeKind, Severity
from engine.model.orders import STRICTEST_FIRST, AccountKind
from engine.model.plans import Idea
from engine.model.refusals import Refusal
from engine.model.sizing import ByRisk, Sizing
from engine.model.view import BacktestView, BotResult, BotView
from engine.portfolio.expected import ERROR_RATE, kept
from engine.risk.gate import Against
from engine.risk.sizers import Wanted
from engine.signals.alignment import USUAL_ALIGNMENT, AlignmentConfig
from engine.signals.board import SignalBoard
from engine.signals.market_data import MarketData
from engine.state.state import BookState, State, bot_key
from engine.state.turn import Turn
from engine.strategies.learning import Tally
from engine.strategies.protocol import Said, Strategy


class Bot:
    """A strategy with what it is configured for."""

    def __init__(self, config: BotConfig, strategy: Strategy) -> None:
        self.config = config
        self.strategy = strategy
        self.name = config.name
        self.out = ""
        """Why it is not asked any more in this run."""
        self.error: Exception | None = None
        """What its strategy has raised."""
        self.warned = False
        """It has been told that it is slow."""
        self.timeframes: frozenset[Timeframe] = frozenset(getattr(strategy, "timeframes", ()))
        """What its strategy says that it looks at."""
        self.expectation: Expectation | None = getattr(strategy, "expectation", None)
        """What a backtest says of its trades, as its strategy tells it."""
        self.shown: tuple[int, float, BacktestView] | None = None
        """What was last worked out of its results: their number, their sum, and what people see."""
        self.asked_at = frozenset(config.timeframes) or self.timeframes or frozenset(USUAL)
        """It is asked when a bar of one of these closes."""
        self.hears_all = False
        """Nothing closes in this run that it is not asked about."""

    @property
    def words(self) -> str:
        """As it is called: "the strategy zones" where nobody has named a bot."""
        return f"the bot {self.name}" if self.config.configured else f"the strategy {self.name}"

    def limits(self, risk: RiskLimits, instrument: Instrument | None) -> RiskLimits:
        """A book's limits with the least score that the bot, or its strategy in this instrument, asks for."""
        least = self._least_score(instrument)[0]
        return risk if least is None else structs.replace(risk, min_score_tenths=least)

    def score_key(self, instrument: Instrument | None) -> str:
        """The setting that says how good its ideas have to be."""
        return self._least_score(instrument)[1]

    def _least_score(self, instrument: Instrument | None) -> tuple[int | None, str]:
        if self.config.min_score_tenths is not None:
            return self.config.min_score_tenths, f"bots, {self.name}: min_score"
        section = f"bots, {self.name}: params." if self.config.configured else "strategy."
        own = getattr(self.strategy, "least_score", None)
        if own is None or instrument is None:
            return None, f"{section}min_score"
        least, key = own(instrument)
        return least, f"{section}{key}"

    def wanted(self, book: Sizing | None) -> Wanted:
        """How large its trades in a book are: as it says itself, else as the book says, else by risk."""
        return Wanted(self.config.sizing or book or ByRisk())

    def heard(self, closed: BarsClosed) -> BarsClosed | None:
        """Those of the bars that it is asked about; None where there is none."""
        if self.hears_all:
            return closed
        knows, asked_at = self.config.knows, self.asked_at
        if len(closed.bars) == 1:
            bar = closed.bars[0]
            return closed if bar.timeframe in asked_at and knows(bar.instrument) else None
        bars = tuple(bar for bar in closed.bars if bar.timeframe in asked_at and knows(bar.instrument))
        return BarsClosed(closed.ts, bars) if bars else None

    def against(self, book: BookState, idea: Idea, now: int) -> list[Against]:
        """What the bot's own terms have against an idea of its own in a book; `now` is nanoseconds UTC."""
        config, found = self.config, list[Against]()
        where = f"bots, {self.name}"
        if not config.knows(idea.instrument):
            found.append(Against(Refusal.NOT_ITS_OWN, Refusal.NOT_ITS_OWN.sentence))
        if not config.enters(book.book) and config.mode is BotMode.SIGNALS:
            found.append(Against(Refusal.SIGNALS_ONLY, Refusal.SIGNALS_ONLY.sentence))
        open_plans = sum(one.plan.bot == self.name for one in book.plans.values())
        if 0 < config.max_open <= open_plans:
            words = f"{open_plans} open of this bot, {config.max_open} allowed ({where}: max_open_trades)"
            found.append(Against(Refusal.MAX_SIZE, words))
        today = book.bot_entries.get(self.name, 0)
        if 0 < config.max_trades <= today:
            words = f"{today} of this bot today, {config.max_trades} allowed ({where}: max_trades)"
            found.append(Against(Refusal.MAX_TRADES, words))
        entered = book.bot_entered_ts.get(bot_key(self.name, idea.instrument))
        if entered is not None and 0 <= now - entered < config.cooldown_ns:
            rests = -(-(entered + config.cooldown_ns - now) // MINUTE)
            words = f"this bot rests here for {rests} min more ({where}: cooldown_minutes)"
            found.append(Against(Refusal.COOLDOWN, words))
        return found


class Bots:
    """All of them, in the order of the settings. One that fails is out alone."""

    def __init__(
        self, bots: Iterable[Bot], turn: Turn, timeframes: Collection[Timeframe] | None = None
    ) -> None:
        """`timeframes` are those that close in this run; None for all that are needed."""
        self.all = tuple(bots)
        self._turn = turn
        self.folded(needed(self.all) if timeframes is None else timeframes)

    def folded(self, timeframes: Collection[Timeframe]) -> None:
        """These close from now on. None of the bots hears of what it has not asked for."""
        closing = frozenset(timeframes)
        for bot in self.all:
            bot.hears_all = not bot.config.instruments and bot.asked_at >= closing

    def trading(self, book: str) -> int:
        """How many of them enter what they find in a book, or in any; at least 1, as rooms and people may."""
        return max(1, sum(bot.config.enters(book) or bot.config.mode is BotMode.TRADE for bot in self.all))

    @property
    def least_learned(self) -> int:
        """From how many outcomes on what was learned counts in scores; 0 where it never does."""
        told = [getattr(bot.strategy, "config", None) for bot in self.all]
        return next((getattr(one, "learn_trades", 0) for one in told if getattr(one, "learn", False)), 0)

    def ask(self, bot: Bot, closed: BarsClosed, board: SignalBoard) -> Sequence[Said]:
        """What a bot says. One that raises is not asked again: what it has opened is managed on."""
        asked = not bot.out and bot.name not in self._turn.state.stopped_bots
        mine = bot.heard(closed) if asked else None
        if mine is None:
            return ()
        try:
            return tuple(bot.strategy.on_bars(mine, board))
        except Exception as error:
            if self._turn.on_fault is None:
                raise
            bot.error = error
            self._turn.on_fault(error)
            self._end(bot, "failed, see the log", "failed and")
            return ()

    def on_overran(self, event: BotOverran) -> None:
        """A bot takes too long again and again: the first time is told, the second ends it
        (docs/semantics.md#bots).
        """
        bot = next((one for one in self.all if one.name == event.bot and not one.out), None)
        if bot is None:
            return
        took = f"{event.took_ns / 1e6:.0f} ms"
        if bot.warned:
            self._end(bot, f"took too long, {took}", f"took {took} again and again, and")
            return
        bot.warned = True
        text = f"{bot.words} is slow: {event.times} of its last calls took over {event.budget_ns / 1e6:.0f} "
        text += f"ms, the longest {took}; once more, and it is out"
        self._turn.say(NoticeKind.RISK, Severity.WARNING, text)

    def _end(self, bot: Bot, why: str, told: str) -> None:
        bot.out = why
        text = f"{bot.words} {told} is out until the next start; its positions stay protected and managed"
        self._turn.commit(r.BotOut(ts=self._turn.now, bot=bot.name, reason=why))
        self._turn.say(NoticeKind.RISK, Severity.CRITICAL, text)

    def failed(self, error: Exception) -> Bot | None:
        """Whose strategy has raised this."""
        return next((bot for bot in self.all if bot.error is error), None)

    def take(self, command: BotCommand) -> None:
        """Start or stop a bot, and write down what it came to."""
        turn = self._turn
        text, done = self._obey(command)
        turn.commit(r.CommandTaken(ts=turn.now, command=command, answer=text, done=done))

    def _obey(self, command: BotCommand) -> tuple[str, bool]:
        """What it came to in words, and whether it was done."""
        turn, name = self._turn, command.bot
        known = [bot for bot in self.all if bot.config.configured]
        bot = next((one for one in known if one.name == name), None)
        if bot is None:
            names = ", ".join(one.name for one in known)
            has = (
                f"this run has {names}"
                if names
                else "the settings name none; tstream pause stops all entries"
            )
            return f"unknown bot {name}; {has}", False
        starts = isinstance(command, StartBot)
        stopped = name in turn.state.stopped_bots
        if not starts and stopped:
            return f"the bot {name} is stopped already", False
        if starts and not stopped and not bot.out:
            return f"the bot {name} is running", False
        if stopped or not starts:
            turn.commit(r.BotSwitched(ts=turn.now, bot=name, running=starts, by=command.source))
        if not starts:
            return f"the bot {name} is stopped until tstream bots start {name}; its trades stay managed", True
        was, bot.out, bot.error, bot.warned = bot.out, "", None, False
        return f"the bot {name} is asked again{f' (it was out: {was})' if was else ''}", True

    def views(self, state: State, money: Mapping[str, tuple[AccountKind, str]] = {}) -> tuple[BotView, ...]:
        """Those that a person has named. `money` is the kind and the currency of the books that are open."""
        return tuple(_view(bot, state, money) for bot in self.all if bot.config.configured)


def _view(bot: Bot, state: State, money: Mapping[str, tuple[AccountKind, str]]) -> BotView:
    books, name = state.books.values(), bot.name
    records = [book.records[name] for book in books if name in book.records]
    main, *beside = _results(name, state, money) or [
        BotResult(AccountKind.PAPER, "USD", Decimal(0), Decimal(0))
    ]
    return BotView(
        name,
        bot.config.strategy,
        bot.config.mode,
        bot.out,
        sum(plan.plan.bot == name for book in books for plan in book.plans.values()),
        main.day_usd,
        entries=sum(book.bot_entries.get(name, 0) for book in books),
        wins=sum(one.wins for one in records),
        losses=sum(one.losses for one in records),
        net_usd=main.net_usd,
        stopped=state.stopped_bots.get(name, ""),
        backtest=_backtest(bot, state),
        instruments=bot.config.instruments,
        books=bot.config.books,
        currency=main.currency,
        beside=tuple(beside),
    )


def _results(name: str, state: State, money: Mapping[str, tuple[AccountKind, str]]) -> list[BotResult]:
    """What a bot has made, the strictest kind of money first: neither kinds nor currencies are added."""
    found: dict[tuple[AccountKind, str], BotResult] = {}
    for book in state.books.values():
        record, day = book.records.get(name), book.bot_usd.get(name)
        if record is None and day is None and name not in book.bot_entries:
            continue
        account = book.account
        told = (AccountKind.LIVE, "USD") if account is None else (account.kind, account.currency or "USD")
        key = money.get(book.book, told)
        one = found.get(key) or BotResult(*key, Decimal(0), Decimal(0))
        net = Decimal(0) if record is None else record.net_usd
        found[key] = BotResult(*key, one.day_usd + (day or 0), one.net_usd + net)
    return sorted(found.values(), key=lambda one: STRICTEST_FIRST.index(one.kind))


def _backtest(bot: Bot, state: State) -> BacktestView | None:
    """Its promise, and what came of it in its shadow; worked out where there is another result."""
    told = bot.expectation
    if told is None:
        return None
    known = state.book(bot.config.shadow).results.get(bot.name)
    results = known.r if known is not None and known.expected == told else []
    as_of = len(results), sum(results)
    if bot.shown is None or bot.shown[:2] != as_of:
        bot.shown = *as_of, backtest_view(told, results, bot.config.error_rate or ERROR_RATE)
    return bot.shown[2]


def backtest_view(
    told: Expectation, results: Sequence[float], error_rate: float = ERROR_RATE
) -> BacktestView:
    """Live results beside what was promised, as people see them."""
    live = kept(told, results, error_rate)
    return BacktestView(
        told.trades,
        told.win_rate,
        told.mean_r,
        live.trades,
        live.wins,
        live.mean_r,
        live.at_most_r,
        live.p,
        live.behind,
    )


def needed(bots: Iterable[Bot], *, unseen: bool = False) -> frozenset[Timeframe]:
    """The timeframes that must be folded: what bots look at, and what is weighed for people, if they look."""
    return frozenset(() if unseen else USUAL).union(*(bot.asked_at | bot.timeframes for bot in bots))


def weighing(bots: Iterable[Bot]) -> AlignmentConfig:
    """How the timeframes are weighed for people: as by the first bot that says how."""
    found = (getattr(bot.strategy, "alignment", None) for bot in bots)
    return next((one for one in found if isinstance(one, AlignmentConfig)), USUAL_ALIGNMENT)


def watched(
    bots: Sequence[Bot], config: EngineConfig, instruments: Mapping[str, Instrument], turn: Turn
) -> MarketData:
    """The market with what the bots look at, and told how they do."""
    market = MarketData(
        instruments,
        config.bar_grace_ns,
        config.stale_ns,
        turn.counts,
        config.sources,
        needed(bots, unseen=config.unseen and config.opinion.use is OpinionUse.OFF),
    )
    market.blackouts = config.blackouts
    introduce(bots, market.board, turn.state.experience)
    if config.unseen:  # what no bot asks for, nobody does
        market.board.most_unread = sys.maxsize
    return market


def introduce(bots: Sequence[Bot], board: SignalBoard, experience: Mapping[str, Tally]) -> None:
    """Let people see timeframes as the bots weigh them, and strategies that learn see how patterns have
    ended: the fold's own table, as it grows.
    """
    board.weighing = weighing(bots)
    for bot in bots:
        if hasattr(bot.strategy, "experience"):
            bot.strategy.experience = experience


def lone(strategy: Strategy) -> Bot:
    """The one bot of a run in which nobody has named any."""
    return Bot(BotConfig(strategy.name, strategy.name, configured=False), strategy)
