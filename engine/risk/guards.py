"""Limits that act by themselves: losses, counts, unknown days, and the time by which everything must be flat.

Each money limit has bands: a notice, no more entries, flat and locked (docs/semantics.md#loss-limits): before
the venue's own acts, lock, cancel entries, close, cancel stops, until the venue shows nothing left.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from engine.market.calendars.calendar import Calendar
from engine.market.calendars.known import calendar_in, calendar_of
from engine.model import records as r
from engine.model.limits import RiskLimits
from engine.model.market import NANOS
from engine.model.notices import NoticeKind, Severity
from engine.model.orders import Account, Margin
from engine.model.plans import PlanStatus
from engine.model.restrictions import TradingState
from engine.model.view import Band, LimitView
from engine.portfolio import money
from engine.portfolio.bounds import Bounds, keep_total
from engine.portfolio.money import Marks
from engine.risk import bands, last_days, presets
from engine.risk.drawdown import floor_usd
from engine.risk.guarded import Guarded
from engine.risk.market_hours import MarketHours
from engine.state import alarms
from engine.state.alarms import Alarm
from engine.state.restrictions import ease, tighten
from engine.state.state import BookState, Restriction, scope

BANDS, CALENDAR = "bands", "calendar"
"""Guards that reduce; locks carry the name of their limit."""

QUIET_NS = 5 * NANOS
"""A balance counts as the day's opening one only so long after a fill: the report of it may be late."""


AsOf = tuple[int, int, int, Decimal | None, Margin | None, bool]


class Guards:
    """Of one book, looked at when a fill, a mark or the time may have changed what they measure. Remember
    only what they have told people.
    """

    def __init__(
        self, book: Guarded, marks: Marks, limits: RiskLimits, *, practice_time: bool = False
    ) -> None:
        """In `practice_time` days of any year may be played: holidays need not be known."""
        self._book = book
        self._marks = marks
        self._practice_time = practice_time
        self.follow(limits)
        self._told: set[tuple[str, str, str]] = set()
        self._check_again = 0
        self._scope = scope(book.book, None)

    def follow(self, limits: RiskLimits) -> None:
        """These limits count from now on; everything is looked at again."""
        self.limits = limits
        self._needs_calendar = limits.reduce_on_unknown_days and not self._practice_time
        self.hours = MarketHours(limits)
        self._account: tuple[Account | None, presets.AccountLimits] | None = None
        self._figures: tuple[AsOf, bands.Figures] | None = None
        self._checked: AsOf | None = None  # as of what everything was looked at last
        self._boundary = 0  # the next instant of the clock that matters, nanoseconds UTC

    # --- what counts ---------------------------------------------------------------------------------------

    def account(self) -> presets.AccountLimits:
        """What counts for the account of a book."""
        account = self._book.state.account
        known = self._account
        if known is None or (known[0] is not account and known[0] != account):
            known = self._account = account, presets.resolve(self.limits, account)
        return known[1]

    def figures(self) -> bands.Figures:
        """What the limits of a book are measured by, everything at what it could be closed for."""
        as_of = self._as_of()
        if self._figures is None or self._figures[0] != as_of:
            self._figures = as_of, self._worked_out()
        return self._figures[1]

    def _as_of(self) -> AsOf:
        """What figures follow from: the same again, and they are the same."""
        book = self._book
        turn = book.turn
        return (
            turn.committed,
            turn.wall_offset,
            self._marks.version,
            book.balance_usd,
            book.margin,
            book.reconciled,
        )

    def _worked_out(self) -> bands.Figures:
        """Nothing that no limit of the account asks for."""
        book, state, marks = self._book.state, self._book.turn.state, self._marks
        start, account, known = self._start_usd(), self.account(), book.balance
        floor = self._floor_usd(start)
        day = equity = None
        fall = exposed = Decimal(0)
        falls, exposes = self.limits.max_drawdown_percent, self.limits.max_exposure_percent
        if account.daily_loss_usd or falls:
            day = money.day_usd(book, state, marks) - money.exit_costs_usd(book, state, marks)
            fall = money.fall_usd(book, day) if falls else fall
        if (floor is not None or falls or exposes) and self._book.balance_usd is not None:
            equity = money.equity_usd(book, state, marks, self._book.balance_usd)
        if exposes:
            exposed = money.exposed_usd(book, state, marks)
        profit = Decimal(0) if known is None or start is None else known.opening_usd - start
        return bands.Figures(
            day_usd=day,
            headroom_usd=None if equity is None or floor is None else equity - floor,
            entries=book.day.entries,
            losses_in_a_row=book.day.losses_in_a_row,
            micros=money.exposed_micros(book, state) if account.minis(profit) else 0,
            profit_usd=profit,
            fall_usd=fall,
            equity_usd=equity,
            exposed_usd=exposed,
        )

    def measured(self) -> tuple[LimitView, ...]:
        """Every limit that is set, the nearest to being hit first."""
        account = self._book.state.account
        currency = "" if account is None else account.currency
        return bands.measure(self.limits, self.account(), self.figures(), currency or "USD")

    def _start_usd(self) -> Decimal | None:
        """What the account began with; None while its balance was never seen."""
        if self.limits.start_balance_usd is not None:
            return self.limits.start_balance_usd
        known = self._book.state.balance
        return None if known is None else known.start_usd

    def _floor_usd(self, start: Decimal | None) -> Decimal | None:
        distance = self.account().max_loss_usd
        known = self._book.state.balance
        if not distance or start is None or known is None:
            return None
        high = max(known.high_usd, self.limits.high_balance_usd or known.high_usd)
        return floor_usd(start, distance, high, fixed=self.limits.floor_fixed)

    # --- what is done --------------------------------------------------------------------------------------

    def next_due(self) -> int:
        """When time alone gives `check` something to do next, nanoseconds UTC."""
        turn, book = self._book.turn, self._book.state
        now = turn.wall
        if now >= self._boundary:
            self._boundary = self.hours.next_change(now, self._calendars())
        quiet = book.last_fill_ts + QUIET_NS  # the day's opening balance waits for it
        waits = now < quiet < self._boundary and not self._marked()
        return (quiet if waits else self._boundary) - turn.wall_offset

    def _calendars(self) -> list[Calendar]:
        """Of the book, and of everything that it could hold."""
        instruments = self._book.turn.state.instruments.values()
        names = {self._book.state.calendar, *(instrument.calendar for instrument in instruments)}
        return [calendar_of(name) for name in sorted(names)]

    def at_rest(self, bounds: Mapping[str, Bounds]) -> None:
        """Narrow the bounds, by instrument, to where prices give `check` nothing to do."""
        room = bands.room_usd(self.limits, self.account(), self.figures())
        keep_total(bounds, self._book.state.held(), self._book.turn.state, self._marks, room)

    def check(self) -> None:
        """Act on the book, if anything is due. Costs little while nothing that it looks at has changed."""
        as_of = self._as_of()
        if as_of == self._checked and self._book.turn.now < self._check_again:
            return
        again = self.next_due()
        self._mark_balance()
        measured = self.measured()
        self._reconfigured()
        calm = all(view.band is Band.CLEAR for view in measured)
        if not calm:
            self._lock(measured)
        if not calm or self._needs_calendar or self._standing() is not None:
            self._reduce(measured)
            self._reduce_unknown()
        if not calm:
            self._warn(measured)
        standing = self._standing()
        if standing is not None and standing.state is TradingState.LOCKED and not standing.trades_stay:
            self._keep_flat()
        self._flat_time()
        self._checked, self._check_again = as_of, again  # last: where something fails, it is tried again

    def _standing(self) -> Restriction | None:
        return self._book.turn.state.restrictions.get(self._scope)

    def _marked(self) -> bool:
        """With what balance the account went into this trade date is known."""
        book = self._book.state
        account, known = book.account, book.balance
        if account is None or known is None or known.account_id != account.id:
            return False
        return known.trade_date == self._book.turn.state.day_of(book).trade_date

    def _mark_balance(self) -> None:
        """Note once per trade date what the day before ended with: the trailing floor follows its high."""
        book, state, turn = self._book.state, self._book.turn.state, self._book.turn
        account = book.account
        if account is None or self._book.balance_usd is None or not self._book.reconciled:
            return
        if self._marked():
            return
        known = book.balance if book.balance is not None and book.balance.account_id == account.id else None
        if turn.wall - book.last_fill_ts < QUIET_NS:
            return
        opening = self._book.balance_usd - money.banked_usd(book, state)
        self._book.turn.commit(
            r.BalanceMarked(
                ts=turn.now,
                book=self._book.book,
                account_id=account.id,
                trade_date=state.day_of(book).trade_date,
                balance_usd=opening,
                start_usd=known.start_usd if known is not None else self.account().start_usd(opening),
            )
        )

    def _basis(self, guard: str = bands.MAX_LOSS) -> str:
        """The account and the configuration that a lock without an end rests on."""
        limits = self.limits
        if guard == bands.DRAWDOWN:
            return f"drawdown {limits.max_drawdown_percent} {limits.act_percent}"
        return " ".join(
            str(part)
            for part in (
                self._book.state.account.id if self._book.state.account is not None else None,
                self.account().max_loss_usd,
                limits.start_balance_usd,
                limits.high_balance_usd,
                limits.floor_fixed,
                limits.act_percent,
            )
        )

    def _reconfigured(self) -> None:
        """A lock without an end ends when a person has changed what it rests on. It may come right back."""
        standing = self._standing()
        if standing is not None and standing.basis and standing.basis != self._basis(standing.guard):
            ease(self._book.turn, f"{standing.guard}: the settings were changed", book=self._book.book)

    def _lock(self, measured: tuple[LimitView, ...]) -> None:
        acts, calendar = self.limits.act_percent, calendar_of(self._book.state.calendar)
        roll = calendar.next_roll(self._book.turn.day_time)
        for view in measured:
            if view.name == bands.DAILY_LOSS and view.band is Band.ACT:
                whose = "the firm's daily loss limit" if self.account().firm_daily else "daily loss limit"
                self._locked(view, f"{whose}: {_spent(view, acts)}", until=roll)
            elif view.name in (bands.MAX_LOSS, bands.DRAWDOWN) and view.band is Band.ACT:
                which = "maximum loss" if view.name == bands.MAX_LOSS else view.name
                reason = f"{which} limit: {_spent(view, acts)}; ends when its settings are changed"
                self._locked(view, reason, basis=self._basis(view.name))
            elif view.name == bands.LOSSES and view.band is Band.REDUCE:
                if self._locked(view, f"{view.used} losses in a row", until=roll, trades_stay=True):
                    self._book.cancel_entries(None)
            elif view.name == bands.TRADES and view.band is Band.REDUCE:
                self._locked(view, f"{view.used} trades of this day", until=roll, trades_stay=True)

    def _locked(
        self,
        view: LimitView,
        reason: str,
        *,
        until: int | None = None,
        trades_stay: bool = False,
        basis: str = "",
    ) -> bool:
        """Lock a book, and have it flat unless its trades may run on; False where it is locked already."""
        fresh = tighten(
            self._book.turn,
            TradingState.LOCKED,
            reason,
            book=self._book.book,
            until=until,
            guard=view.name,
            trades_stay=trades_stay,
            basis=basis,
        )
        if fresh and not trades_stay:
            self._book.flatten(exposed(self._book.state), "risk")
        return fresh

    def _reduce(self, measured: tuple[LimitView, ...]) -> None:
        """No more entries while a reduce band holds or the day is not known; ends by itself."""
        standing = self._standing()
        ours = standing is not None and standing.state is TradingState.REDUCING and bool(standing.guard)
        held = ours and standing is not None and standing.guard == BANDS
        reasons = []
        for view in measured:
            least = self.limits.reduce_percent - (bands.EASE_PERCENT if held else 0)
            if view.in_money and bands.percent(view) >= least:
                reasons.append(f"{least} % or more of the {view.name} limit is used up")
        guard = BANDS if reasons else CALENDAR
        if self._needs_calendar:
            book = self._book.state
            day = date.fromisoformat(self._book.turn.state.day_of(book).trade_date)
            if not calendar_of(book.calendar).known(day):
                reasons.append(_unknown(day))
        if not reasons:
            if ours:
                ease(self._book.turn, "limits leave room again", book=self._book.book)
            return
        changed = standing is None or (ours and standing.guard != guard)
        if changed and tighten(
            self._book.turn, TradingState.REDUCING, "; ".join(reasons), book=self._book.book, guard=guard
        ):
            self._book.cancel_entries(None)

    def _reduce_unknown(self) -> None:
        """The same for contracts of another calendar, if their day is not known."""
        state, book = self._book.turn.state, self._book.state
        if not self._needs_calendar:
            return
        for symbol, instrument in state.instruments.items():
            if instrument.calendar == book.calendar:
                continue
            calendar = calendar_of(instrument.calendar)
            day = calendar.trade_date(self._book.turn.wall)
            standing = state.restrictions.get(scope(book.book, symbol))
            if calendar.known(day):
                if standing is not None and standing.guard == CALENDAR:
                    ease(self._book.turn, "its day is known again", book=book.book, instrument=symbol)
            elif tighten(
                self._book.turn,
                TradingState.REDUCING,
                _unknown(day),
                book=book.book,
                instrument=symbol,
                guard=CALENDAR,
            ):
                self._book.cancel_entries(symbol)

    def _warn(self, measured: tuple[LimitView, ...]) -> None:
        """Tell once per limit, band and trade date."""
        for view in measured:
            if view.band is Band.CLEAR or not view.in_money:
                continue
            day = self._book.turn.state.day_of(self._book.state).trade_date
            key = day, view.name, view.band.value
            if key in self._told:
                continue
            self._told.add(key)
            severity = Severity.WARNING if view.band is Band.WARN else Severity.CRITICAL
            text = f"{view.name}: {_spent(view)}, {bands.percent(view):.0f} %"
            self._book.turn.say(
                NoticeKind.RISK,
                severity,
                text,
                book=self._book.book,
                alarm=Alarm(alarms.limits(self._book.book)),
            )

    def _keep_flat(self) -> None:
        """While locked no trade of ours may live: an entry that was lost may yet fill after the flatten."""
        state = self._book.state
        alive = {p.plan.instrument for p in state.plans.values() if p.plan.status is PlanStatus.OPEN}
        alive |= {p.plan.instrument for p in state.plans.values() if p.open_qty > 0}
        late = tuple(sorted(alive - state.flattening.keys()))
        if late:
            self._book.flatten(late, "risk")

    def _flat_time(self) -> None:
        turn, latched = self._book.turn, self._book.state.flattening
        late = tuple(
            symbol
            for symbol in (exposed(self._book.state) if self.limits.must_be_flat else ())
            if symbol not in latched
            and self.hours.must_close(turn.wall, calendar_in(turn.state.instruments, symbol))
        )
        if late:
            self._book.flatten(late, "flat_time")
        last_days.leave(self._book, self.hours)


def _unknown(day: date) -> str:
    return f"the exchange's holidays of {day.year} are not known"


def exposed(book: BookState) -> tuple[str, ...]:
    """Instruments with a position or a live order."""
    held = {i for i, position in book.positions.items() if position.qty}
    return tuple(sorted(held | {order.instrument for order in book.live_orders()}))


def _spent(view: LimitView, acts: int | None = None) -> str:
    """ "760.00 of 800 USD used up (acts at 95 %)"."""
    tail = "" if acts is None or acts == 100 else f" (acts at {acts} %)"
    return f"{view.used:.2f} of {view.limit} {view.unit} used up{tail}"
