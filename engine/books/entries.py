"""From an idea to a plan or a refusal: the strategy is asked, and every book puts it through the gate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import structs

from engine.books import beside
from engine.books.book import Book
from engine.books.bots import Bot, Bots
from engine.books.links import Links
from engine.books.opinions import Opinions
from engine.books.promises import Promises
from engine.market import expiry
from engine.market.bars import BarsClosed
from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import calendar_in
from engine.model import records as r
from engine.model.config import EngineConfig
from engine.model.events import JournalState
from engine.model.instrument import Instrument
from engine.model.limits import RiskLimits
from engine.model.notices import NoticeKind, Severity
from engine.model.orders import OrderStatus, OrderType
from engine.model.plans import Exit, Idea, Leg, TradePlan, command_of
from engine.model.refusals import Refusal
from engine.model.restrictions import TradingState
from engine.model.rooms import AlertRoom
from engine.portfolio.money import Marks, equity_usd, exposed_usd, open_risk_usd, room_headroom_usd
from engine.risk import bands, gate, sizing
from engine.risk.sizers import BY_RISK, Wanted
from engine.signals.market_data import MarketData
from engine.state.alarms import JOURNAL, Alarm
from engine.state.track_record import TrackRecord
from engine.state.turn import Turn
from engine.strategies.protocol import Declined, Said


class EntryTerms(NamedTuple):
    """On what an idea is entered, where these are not the book's own."""

    limits: RiskLimits | None = None
    """None takes the book's."""
    wanted: Wanted = BY_RISK
    room: AlertRoom | None = None
    """Where an alert's idea comes from."""
    override: tuple[str, ...] = ()
    """What a person wants overridden, by the words of `OVERRIDES`."""
    instead_of: str | None = None
    """The plan that the idea would change: it does not stand in its own way."""
    after_close: bool = False
    """What is held of the contract is closed first."""
    bot: Bot | None = None
    """Whose idea it is, where it is a bot's."""


OWN_TERMS = EntryTerms()


class Entries:
    """The way in. Exits never pass through here."""

    def __init__(
        self,
        bots: Sequence[Bot],
        config: EngineConfig,
        turn: Turn,
        books: Mapping[str, Book],
        market: MarketData,
        marks: Marks,
        links: Links,
    ) -> None:
        self.bots = Bots(bots, turn, market.bars.timeframes)
        self._promises = Promises(self.bots.all, turn)
        self.refusals: Counter[str] = Counter()
        """Why ideas and near ideas came to nothing in this run, by sentence."""
        self.journal_ok = True
        """Records can be made durable."""
        self._instruments = instruments = {one.symbol: one for one in config.instruments}
        self._turn = turn
        self._books = books
        self._market = market
        self._marks = marks
        self._links = links
        self.opinions = Opinions(config.opinion, turn, market, instruments, self._put_to_books, self.bots)

    def on_journal(self, event: JournalState) -> None:
        if self.journal_ok is not event.ok or not event.ok:  # a journal that is down may get worse
            severity = Severity.INFO if event.ok else Severity.CRITICAL
            what = "journal is written again" if event.ok else f"journal can't be written: {event.detail}"
            alarm = Alarm(ended=(JOURNAL,)) if event.ok else Alarm(JOURNAL)
            self._turn.say(NoticeKind.RISK, severity, what, alarm=alarm)
        self.journal_ok = event.ok

    def on_bars(self, closings: Sequence[BarsClosed]) -> None:
        """Ask the bots about bars that have closed, and put what each says to its books."""
        self.opinions.tend()
        self._promises.review()
        for closed in closings:
            self._market.board.on_closed(closed)
            for bot in self.bots.all:
                for said in self.bots.ask(bot, closed, self._market.board):
                    self._said(bot, said)
            self.opinions.on_bars(closed)  # ideas go first

    def _said(self, bot: Bot, said: Said) -> None:
        if isinstance(said, Declined):
            self.refusals[said.reason] += 1
            self._turn.commit(
                r.IdeaDeclined(
                    ts=self._turn.now,
                    strategy=said.strategy,
                    bot=bot.name,
                    instrument=said.instrument,
                    side=said.side,
                    score_tenths=said.score_tenths,
                    reason=said.reason,
                    closed_ts=said.ts,
                    parts=said.parts,
                    checks=said.checks,
                    pattern=said.pattern,
                )
            )
            return
        if isinstance(said, Exit):
            for book in self._books.values():
                book.leave(said, bot.name)
            return
        self.opinions.take(bot, structs.replace(said, bot=bot.name))

    def _put_to_books(self, bot: Bot, idea: Idea) -> None:
        for book in self._books.values():
            trades = bot.config.trades(book.name) and book.config.takes(bot.name)
            if not (trades and self._market.sources.lists(book.config.venue, idea.instrument)):
                continue
            if book.recover():
                wanted = bot.wanted(book.config.sizing)
                limits = bot.limits(book.config.risk, self._instruments.get(idea.instrument))
                self.consider(book, idea, EntryTerms(limits, wanted, bot=bot))
            else:
                self.refusals[Refusal.NOT_RECONCILED.sentence] += 1

    def consider(self, book: Book, idea: Idea, terms: EntryTerms = OWN_TERMS) -> None:
        """Put an idea through the gate of one book: a plan, or a refusal with its reasons."""
        state, symbol = self._turn.state, idea.instrument
        instrument = state.instruments.get(symbol, self._instruments.get(symbol))
        if instrument is None:
            return
        verdict = self.verdict(book, idea, instrument, terms)
        if verdict.against:
            refusals, words = zip(*verdict.against, strict=True)
            self.refusals.update(refusal.sentence for refusal in refusals)
            self._turn.commit(
                r.IdeaRefused(
                    ts=self._turn.now,
                    book=book.name,
                    idea=idea,
                    refusals=tuple(refusals),
                    words=tuple(words),
                    told_qty=verdict.qty if _is_told(book, refusals, terms.bot) else None,
                )
            )
            return
        single = book.config.risk.single_contract
        whole = book.orders.context.watches_target(idea.instrument)
        legs = sizing.legs(idea, verdict.qty, single, absolute=bool(idea.origin), whole=whole)
        self.enter(book, idea, legs, size_reason=verdict.why)

    def enter(
        self,
        book: Book,
        idea: Idea,
        legs: tuple[Leg, ...],
        entry: OrderType = OrderType.MARKET,
        ends_ts: int | None = None,
        size_reason: str = "",
    ) -> TradePlan:
        """Open a plan; what the gate says of it has been asked. A limit or stop entry rests at the idea's
        reference, until `ends_ts`, nanoseconds UTC, if it has an end. `size_reason` says why so many.
        """
        state = self._turn.state
        plan = TradePlan(
            plan_id=f"{state.boot}-{state.issued + 1}",
            book=book.name,
            instrument=idea.instrument,
            side=idea.side,
            strategy=idea.strategy,
            legs=legs,
            created_ts=self._turn.now,
            reference=idea.reference,
            score_tenths=idea.score_tenths,
            reasons=idea.reasons,
            entry_limit=idea.reference if entry is OrderType.LIMIT else None,
            origin=idea.origin,
            entry_stop=idea.reference if entry is OrderType.STOP else None,
            ends_ts=ends_ts,
            bot=idea.bot,
            size_reason=size_reason,
            trail=idea.trail,
            exit_ts=idea.exit_ts,
            parts=idea.parts,
            checks=idea.checks,
            pattern=idea.pattern,
            expectation=idea.expectation,
            opinion=idea.opinion,
        )
        book.orders.open_plan(plan)
        return plan

    def verdict(
        self, book: Book, idea: Idea, instrument: Instrument, terms: EntryTerms = OWN_TERMS
    ) -> gate.EntryVerdict:
        """How many lots the gate of one book lets through, why so many, and what stands against it. Nothing
        is placed.
        """
        book.recover()
        limits = terms.limits if terms.limits is not None else book.config.risk
        facts = self._circumstances(book, idea, terms)
        if terms.instead_of is not None:
            facts = structs.replace(facts, **self._without(book, terms.instead_of))
        if terms.after_close:
            facts = structs.replace(facts, **self._emptied(book, instrument, facts.room_micros))
        qty, against, why = gate.check(idea, instrument, limits, facts, terms.wanted)
        if terms.bot is not None:
            own = terms.bot.against(book.state, idea, self._turn.now)
            against = (*own, *self.opinions.against(idea), *against)
        return gate.EntryVerdict(qty, gate.overridden(against, terms.override, facts), why)

    def _without(self, book: Book, plan_id: str) -> dict[str, Any]:
        """What the gate is told where a trade is to be changed: how it would be without it."""
        others = {name: found for name, found in book.state.plans.items() if name != plan_id}
        known = structs.replace(book.state, plans=others)
        return {
            "busy_instrument": False,
            "opposed": "",
            "open_plans": len(others),
            "open_risk_usd": open_risk_usd(known, self._turn.state, self._marks),
            "room_micros": None,  # it has its contracts, and what they tie up
            "margin_available_usd": None,
            "exposure_left_usd": None,
            "free_usd": None,
        }

    def _emptied(self, book: Book, instrument: Instrument, micros: int | None) -> dict[str, Any]:
        """What the gate is told where everything of a contract is closed first. What that frees of margin and
        equity is known once it is closed, when the gate is asked again.
        """
        symbol, state = instrument.symbol, book.state
        others = {name: found for name, found in state.plans.items() if found.plan.instrument != symbol}
        held = {name: position for name, position in state.positions.items() if name != symbol}
        known = structs.replace(state, plans=others, positions=held)
        freed = abs(state.position(symbol).qty) * instrument.minis
        return {
            "busy_instrument": False,
            "beside": "",
            "opposed": "",
            "open_plans": len(others),
            "open_risk_usd": open_risk_usd(known, self._turn.state, self._marks),
            "room_micros": None if micros is None else micros + freed,
            "margin_available_usd": None,
            "exposure_left_usd": None,
            "free_usd": None,
        }

    def against(self, book: Book, symbol: str) -> list[gate.Against]:
        """What stands against any entry in a contract now, whatever the idea. Changes nothing."""
        return gate.standing(book.config.risk, self._standing(book, symbol))

    def _standing(self, book: Book, symbol: str) -> gate.Conditions:
        """What speaks against whatever idea. Every picture asks it of every contract of every book."""
        state, now, wall = self._turn.state, self._turn.now, self._turn.wall
        known, orders, hours, config = book.state, book.orders, book.guards.hours, book.config
        sources, staleness = self._market.sources, self._market.staleness
        calendar = calendar_in(self._instruments, symbol)
        restriction = state.restriction(book.name, symbol)
        source = sources.active(symbol)
        return gate.Conditions(
            trading=book.trading,
            armed=book.armed,
            kind=known.account.kind if known.account is not None else None,
            state=restriction.state if restriction is not None else TradingState.ACTIVE,
            guard=restriction.guard if restriction is not None else "",
            reason=restriction.reason if restriction is not None else "",
            reconciled=orders.reconciled and book.recovered,
            can_trade=orders.can_trade,
            journal_ok=self.journal_ok,
            venue_up=self._links.up(book.name, book.spec.needs, config.venue, source)
            and orders.inquiry.streaming,
            feed_stale=staleness.stale(symbol, now, wall, config.risk.stale_ns)
            or self._links.market_stale(source or config.venue),
            price_age_ns=staleness.age(symbol, now),
            delayed=sources.delayed(symbol),
            price_lag_ns=sources.lateness.late.get(source, self._turn.price_lag),
            in_hours=hours.allow(wall, calendar),
            market_open=calendar.is_open(wall),
            ns_to_flat=hours.ns_to_flat(wall, calendar),
            entries_today=known.day.entries,
            losses_in_a_row=known.day.losses_in_a_row,
            days_to_expiry=expiry.days_left(
                symbol, state.month(symbol, config.venue or source)[0], calendar.trade_date(wall)
            ),
            old_month=self._marks.of_old_month(symbol) and symbol not in known.held_months,
            news=self._news(wall, calendar),
        )

    def _news(self, wall: int, calendar: Calendar) -> str:
        """The scheduled news that is near, by the clock of a contract."""
        blackouts = self._market.blackouts
        event, until = blackouts.at(wall), blackouts.until(wall)
        if event is None or until is None:
            return ""
        at, ends = calendar.hhmm(event.ts), calendar.hhmm(until)
        return f"{event.name} at {at} {calendar.clock_mark}: no entries until {ends} (blackout)"

    def _circumstances(self, book: Book, idea: Idea, terms: EntryTerms) -> gate.Circumstances:
        """Everything that may speak against an idea of a bot or an alert room in this book now."""
        room, bot, symbol = terms.room, terms.bot, idea.instrument
        state, standing = self._turn.state, self._standing(book, symbol)
        known, orders, guards, config = book.state, book.orders, book.guards, book.config
        limits, figures = guards.account(), guards.figures()
        age, late = standing.price_age_ns, self._turn.wall - idea.ts
        if standing.delayed and bot is not None and age is not None:
            late = min(late, age)  # its bar was told late, and that is no lateness of the idea
        there = self._beside(book, idea, bot)
        headroom = bands.headroom_usd(config.risk, limits, figures)
        equity = free = None
        if orders.balance_usd is not None:
            equity = equity_usd(known, state, self._marks, orders.balance_usd)
            free = equity - exposed_usd(known, state, self._marks, by_value=True)
        return gate.Circumstances(
            **structs.asdict(standing),
            late_ns=late,
            latest_ns=book.run.latest_ns,
            paused_by_hand=all(one.by for one in state.restrictions_of(book.name, symbol)),
            capabilities=config.capabilities,
            listed=self._market.sources.lists(config.venue, symbol),
            copy_ratio=config.copy_ratio,
            currency=book.currency,
            busy_instrument=there.busy,
            beside=there.words,
            opposed=there.opposed,
            unknown_orders=any(
                order.status is OrderStatus.UNKNOWN and order.instrument == symbol
                for order in known.live_orders()
            ),
            open_plans=len(known.plans),
            open_risk_usd=open_risk_usd(known, state, self._marks),
            daily_headroom_usd=headroom.get(bands.DAILY_LOSS),
            max_loss_headroom_usd=headroom.get(bands.MAX_LOSS),
            drawdown_headroom_usd=headroom.get(bands.DRAWDOWN),
            exposure_left_usd=bands.exposure_left_usd(config.risk, figures),
            free_usd=free,
            room_micros=bands.room_micros(limits, figures),
            room_headroom_usd=None if room is None else room_headroom_usd(known, state, room),
            equity_usd=equity,
            margin_available_usd=book.margin.available_usd,
            record=known.records.get(idea.owner, TrackRecord()),
            score_key="strategy.min_score" if bot is None else bot.score_key(self._instruments.get(symbol)),
        )

    def _beside(self, book: Book, idea: Idea, bot: Bot | None) -> beside.Beside:
        """What the trades of the same contract have against an idea: a bot or a room has one there, if its
        settings don't say more, a person as many as all together may.
        """
        allowed = book.config.risk.plans_per_contract or self.bots.trading(book.name)
        own = None if command_of(idea.origin) else 1 if bot is None else bot.config.plans_per_contract
        return beside.against(book.state, idea, allowed, own)


_NO_ROOM = frozenset(
    {
        Refusal.OPPOSED,
        Refusal.FEED_STALE,
        Refusal.MAX_SIZE,
        Refusal.MAX_TRADES,
        Refusal.MAX_CONTRACTS,
        Refusal.MAX_NOTIONAL,
        Refusal.MAX_EXPOSURE,
        Refusal.MARGIN,
        Refusal.SIZE_ZERO,
        Refusal.LEAST_NOTIONAL,
        Refusal.DAILY_LOSS,
        Refusal.MAX_LOSS,
        Refusal.DRAWDOWN,
        Refusal.BAND,
        Refusal.LOCKED,
        Refusal.LOSING_STREAK,
    }
)
"""What a paper book has against a signal that is as good as any: it holds another trade, has no money, or no
price to enter at in a market that is quiet. Where the feed is blind no bar gives a signal.
"""


def _is_told(book: Book, refusals: Sequence[Refusal], bot: Bot | None) -> bool:
    """Whether people hear of a signal although its shadow can't play it."""
    return bot is not None and book.name == bot.config.shadow and _NO_ROOM.issuperset(refusals)
