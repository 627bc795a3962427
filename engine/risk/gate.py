"""The gate before every entry: all reasons against it, each with its code. Exits never pass through here."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct

from engine.model.alerts import room_of
from engine.model.config import LATEST_NS, TradingSwitch
from engine.model.instrument import Instrument, InstrumentKind
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, NANOS
from engine.model.orders import AccountKind, Capabilities
from engine.model.plans import Idea
from engine.model.refusals import OVERRIDES, Refusal
from engine.model.restrictions import TradingState
from engine.risk.clamps import Room, size
from engine.risk.sizers import BY_RISK, Ask, Wanted
from engine.risk.sizing import amount, legs
from engine.state.track_record import TrackRecord

_BY_STATE = {TradingState.LOCKED: Refusal.LOCKED, TradingState.HALTED: Refusal.HALTED}
_BY_GUARD = {"bands": Refusal.BAND, "calendar": Refusal.UNKNOWN_DAY}
"""What reduces by itself, and is no pause that a person could lift."""


def code_of(state: TradingState, guard: str) -> Refusal:
    """What a trading state other than ACTIVE refuses entries for."""
    return _BY_STATE.get(state) or _BY_GUARD.get(guard, Refusal.PAUSED)


class Conditions(Struct, frozen=True, kw_only=True):
    """What a book and a contract look like to any idea, gathered by the core."""

    trading: TradingSwitch
    armed: bool
    kind: AccountKind | None
    state: TradingState
    reconciled: bool
    can_trade: bool
    journal_ok: bool
    venue_up: bool
    feed_stale: bool
    in_hours: bool
    ns_to_flat: int
    entries_today: int
    guard: str = ""
    """Which guard holds the trading state."""
    reason: str = ""
    """Why it is held, as a sentence."""
    price_age_ns: int | None = None
    """Since the last price; None before the first."""
    price_lag_ns: int = 0
    """By how much the market's own times are behind this machine's clock; below zero where they are ahead."""
    delayed: bool = False
    """Prices come as minutes that are over, and late."""
    market_open: bool = True
    losses_in_a_row: int = 0
    days_to_expiry: int | None = None
    """Until the contract's last day; None where its name does not tell."""
    old_month: bool = False
    """Another account holds the month before of the contract."""
    news: str = ""
    """The scheduled news that is near, in words with its times; empty where none is."""


class Circumstances(Conditions, frozen=True, kw_only=True):
    """All that the gate looks at where there is an idea. Money in USD."""

    late_ns: int
    """How long ago the idea's bar closed."""
    busy_instrument: bool
    """Plans, a position or live orders in this instrument leave no room for one more."""
    unknown_orders: bool
    open_plans: int
    open_risk_usd: Decimal
    """What the open trades, and those being entered, would lose at their stops."""
    opposed: str = ""
    """Which trade of this instrument goes the other way, in words; empty where none stands in the way."""
    beside: str = ""
    """Why the instrument is busy, in words with its numbers; empty takes the sentence."""
    latest_ns: int = LATEST_NS
    """Older ideas are not traded."""
    capabilities: Capabilities = Capabilities()
    """Of the book's broker."""
    listed: bool = True
    """Whether the book's venue has the instrument at all."""
    paused_by_hand: bool = False
    """All that pauses it was set by persons, who may override it."""
    daily_headroom_usd: Decimal | None = None
    """What may still be lost before the daily loss limit acts; None without one."""
    max_loss_headroom_usd: Decimal | None = None
    drawdown_headroom_usd: Decimal | None = None
    """What may still be lost before the drawdown limit acts; None without one."""
    exposure_left_usd: Decimal | None = None
    """What may still be held besides; None without such a limit."""
    free_usd: Decimal | None = None
    """Equity that nothing is held with; None where nobody knows."""
    room_micros: int | None = None
    """Contracts, in micros, that the account may still hold; None means any number."""
    room_headroom_usd: Decimal | None = None
    """What trades of the idea's alert room may still lose today; None without a limit."""
    equity_usd: Decimal | None = None
    """Of the account, if everything were closed now."""
    margin_available_usd: Decimal | None = None
    """What may still be deposited; None where neither the venue nor a table tells."""
    copy_ratio: Decimal = Decimal(1)
    """What the book multiplies the sized quantity by."""
    currency: str = "USD"
    """In which the book counts (docs/semantics.md#currencies)."""
    record: TrackRecord = TrackRecord()
    """How trades of this bot or room have ended in this book."""
    score_key: str = "strategy.min_score"
    """The setting that says how good an idea has to be."""


class Against(NamedTuple):
    """One reason against an entry; in words with its numbers, and the setting that says what is allowed."""

    refusal: Refusal
    words: str


class EntryVerdict(NamedTuple):
    """What the gate says to an idea."""

    qty: int
    """Lots that would be traded."""
    against: tuple[Against, ...]
    """Every reason against it; none means go."""
    why: str
    """How the quantity comes about, in words with the numbers."""


def standing(limits: RiskLimits, now: Conditions) -> list[Against]:
    """What stands against any entry in this book and contract, whatever the idea and whatever is open."""
    against = [Against(refusal, refusal.sentence) for refusal in hands_off(now.trading, now.kind, now.armed)]

    def told(refusal: Refusal, words: str = "") -> None:
        against.append(Against(refusal, words or refusal.sentence))

    if now.state is not TradingState.ACTIVE:
        refusal = code_of(now.state, now.guard)
        told(refusal, "" if refusal is Refusal.PAUSED else now.reason)
    if not now.reconciled:
        told(Refusal.NOT_RECONCILED)
    if not now.can_trade:
        told(Refusal.ACCOUNT_BLOCKED)
    if not now.journal_ok:
        told(Refusal.JOURNAL_DOWN)
    if not now.venue_up:
        told(Refusal.VENUE_DOWN)
    if now.feed_stale:
        silent = "" if now.price_age_ns is None else f"no price for {_s(now.price_age_ns)}"
        most = f"{silent}, {_s(limits.stale_ns)} allowed (risk.stale_seconds)"
        told(Refusal.FEED_STALE, most if silent else "no price yet")
    if now.delayed and not limits.enter_on_delayed_prices and now.kind is not AccountKind.PAPER:
        told(Refusal.DELAYED, f"{Refusal.DELAYED.sentence} (risk.enter_on_delayed_prices)")
    if abs(now.price_lag_ns) >= MINUTE:
        side = "behind" if now.price_lag_ns > 0 else "ahead of"
        apart = f"the market's times are {_s(abs(now.price_lag_ns))} {side} this machine's clock"
        told(Refusal.CLOCK, f"{apart} (tstream check)")
    if not now.in_hours:
        own = f"{limits.hours_start} to {limits.hours_end} (risk.hours_start, risk.hours_end)"
        told(
            Refusal.OUTSIDE_HOURS,
            f"outside your hours, {own}" if limits.hours_start and now.market_open else "",
        )
    if now.news:
        told(Refusal.BLACKOUT, now.news)
    # Never so near that the flattening before the deadline would take the entry straight back.
    near = max(limits.no_entry_before_flat_ns, limits.flatten_before_flat_ns)
    if now.ns_to_flat <= near:
        key = "no_entry_minutes" if near == limits.no_entry_before_flat_ns else "flatten_minutes"
        left = max(0, now.ns_to_flat) // MINUTE
        ends = f"positions must be flat in {left} min, entries end {near // MINUTE} min before (risk.{key})"
        told(Refusal.NEAR_CLOSE, ends if now.ns_to_flat >= 0 else "")
    if now.days_to_expiry is not None and now.days_to_expiry <= limits.expiry_days:
        days = f"{_count(now.days_to_expiry, 'day')} to the contract's last, more than {limits.expiry_days}"
        told(Refusal.EXPIRING, f"{days} wanted (risk.expiry_days)")
    if now.old_month:
        told(Refusal.OLD_MONTH)
    if 0 < limits.max_trades <= now.entries_today:
        trades = f"{_count(now.entries_today, 'trade')} today"
        told(Refusal.MAX_TRADES, f"{trades}, {limits.max_trades} allowed (risk.max_trades)")
    if 0 < limits.max_losses_in_a_row <= now.losses_in_a_row:
        lost = f"{_count(now.losses_in_a_row, 'trade')} lost in a row"
        row = f"{lost}, {limits.max_losses_in_a_row} allowed (risk.max_losses_in_a_row)"
        told(Refusal.LOSING_STREAK, row)
    return against


def overridden(against: Iterable[Against], words: Collection[str], now: Circumstances) -> tuple[Against, ...]:
    """What still stands against an entry that a person wants all the same. A closed market is not opened by
    a word, nor does one end a pause that no person set.
    """
    given = {OVERRIDES[word] for word in words if word in OVERRIDES}
    if not now.market_open:
        given.discard(Refusal.OUTSIDE_HOURS)
    if not now.paused_by_hand:
        given.discard(Refusal.PAUSED)
    return tuple(one for one in against if one.refusal not in given)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _s(nanos: int) -> str:
    return f"{nanos / NANOS:.0f} s"


def check(
    idea: Idea,
    instrument: Instrument,
    limits: RiskLimits,
    now: Circumstances,
    wanted: Wanted = BY_RISK,
) -> EntryVerdict:
    """Lots to trade, and every reason against it; no reason means go.

    `wanted` says how many are asked for; the clamps (engine/risk/clamps.py) make a trade smaller, whatever it
    says. What is left of a loss limit does not: a trade that could reach the level at which the limit acts is
    refused.
    """
    against = standing(limits, now)

    def told(refusal: Refusal, words: str = "") -> None:
        against.append(Against(refusal, words or refusal.sentence))

    room = room_of(idea.origin)
    section = f"rooms.{room}" if room else "risk"
    if now.late_ns > now.latest_ns:
        told(Refusal.TOO_LATE, f"the signal is {_s(now.late_ns)} old, {_s(now.latest_ns)} allowed")
    if now.busy_instrument:
        told(Refusal.IN_POSITION, now.beside)
    if now.opposed:
        told(Refusal.OPPOSED, now.opposed)
    if now.unknown_orders:
        told(Refusal.UNKNOWN_ORDER)
    if not now.listed:
        told(Refusal.NOT_LISTED)
    if instrument.kind is InstrumentKind.SPOT and not now.capabilities.balances:
        told(Refusal.NO_SPOT)
    if idea.side.sign < 0 and not instrument.shortable:
        told(Refusal.NO_SHORTS)
    if instrument.currency != now.currency:
        settled = f"it is settled in {instrument.currency}, the book counts in {now.currency} (counts_as_usd)"
        told(Refusal.CURRENCY, settled)
    if now.open_plans >= limits.max_open_trades:
        many = f"{_count(now.open_plans, 'open trade')}, {limits.max_open_trades} allowed"
        told(Refusal.MAX_SIZE, f"{many} (risk.max_open_trades)")
    if idea.score_tenths < limits.min_score_tenths:
        score = f"score {idea.score_tenths / 10:.1f}, at least {limits.min_score_tenths / 10:.1f}"
        told(Refusal.SCORE, f"{score} ({now.score_key})")
    open_ended = bool(idea.leaves) and not idea.targets
    if not open_ended and idea.reward_to_risk < limits.reward_to_risk_min:
        ratio = f"reward to risk is {idea.reward_to_risk:.2f}, at least {limits.reward_to_risk_min:g}"
        told(Refusal.REWARD_TO_RISK, f"{ratio} ({section}.reward_to_risk_min)")
    distances = [idea.stop_ticks] + [(t - idea.reference) * idea.side.sign for t in idea.targets]
    able = now.capabilities
    if not all(able.takes_exit(ticks, instrument.kind) for ticks in distances):
        takes = f"the venue takes {able.nearest_exit_ticks} to {able.farthest_exit_ticks}"
        away = f"stop and targets are {', '.join(map(str, distances))} ticks away"
        told(Refusal.BRACKET_DISTANCE, f"{away}, {takes}")
    qty, why, each = 0, "", Decimal(0)
    if idea.stop_ticks <= 0:
        told(Refusal.SIZE_ZERO, "the stop is on the wrong side")
    else:
        ask = Ask(
            instrument=instrument,
            price=idea.reference,
            stop_ticks=idea.stop_ticks,
            limits=limits,
            asked=wanted.asked,
            confidence=idea.confidence if wanted.confidence is None else wanted.confidence,
            equity_usd=now.equity_usd,
            record=now.record,
        )
        room_left = Room(now.room_micros, now.margin_available_usd, now.exposure_left_usd, now.equity_usd)
        each = ask.loss_usd
        qty, why, found = size(wanted, ask, now.copy_ratio, room_left)
        for refusal, words in found:
            told(refusal, words)
    if qty <= 0:
        return EntryVerdict(qty, tuple(against), why)
    least = instrument.least_notional
    whole = now.capabilities.watches_target(instrument.kind)
    if least and (worth := _least_worth(idea, instrument, qty, limits, whole)) < least:
        words = f"its smallest order is worth {amount(worth)} {instrument.currency}, at least {least:f}"
        told(Refusal.LEAST_NOTIONAL, words)
    alone, total = each * qty, each * qty + now.open_risk_usd
    for headroom, refusal, name, where, risk in (
        (now.daily_headroom_usd, Refusal.DAILY_LOSS, "daily loss limit", "risk.daily_loss_usd", total),
        (now.max_loss_headroom_usd, Refusal.MAX_LOSS, "maximum loss limit", "risk.max_loss_usd", total),
        (now.drawdown_headroom_usd, Refusal.DRAWDOWN, "drawdown limit", "risk.max_drawdown_percent", total),
        (now.room_headroom_usd, Refusal.ROOM_LOSS, "room's loss limit", f"{section}.max_loss_usd", alone),
    ):
        if headroom is not None and risk >= headroom:
            risks = f"{instrument.counted(qty)} would risk {alone:.2f} {now.currency}"
            beside = f" beside {now.open_risk_usd:.2f} open" if now.open_risk_usd else ""
            told(refusal, f"{risks}{beside}, the {name} leaves {headroom:.2f} ({where})")
    return EntryVerdict(qty, tuple(against), why)


def _least_worth(idea: Idea, instrument: Instrument, qty: int, limits: RiskLimits, whole: bool) -> Decimal:
    """What the smallest order of a trade is worth: each leg is entered by one of its own, and of coins the
    stop must be large enough too, with what fees leave.
    """
    lots = min(leg.qty for leg in legs(idea, qty, limits.single_contract, whole=whole))
    if instrument.kind is not InstrumentKind.SPOT:
        return instrument.notional(idea.reference, lots)
    left = lots - instrument.fee_lots(instrument.fee_base(lots))
    return instrument.notional(min(idea.reference, idea.stop), left)


def hands_off(trading: TradingSwitch, kind: AccountKind | None, armed: bool) -> tuple[Refusal, ...]:
    """Why nothing may be done on an account by itself: play money needs a switch that is not off, the rest
    the switch live and an armed account.
    """
    live = kind is AccountKind.LIVE
    off = trading is TradingSwitch.OFF or kind is None or (live and trading is not TradingSwitch.LIVE)
    return (Refusal.OFF,) * off + (Refusal.NOT_ARMED,) * (live and not armed)
