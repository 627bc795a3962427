"""The gate before every entry: all reasons against it, each with its code. Exits never pass through here."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from engine.model.config import LATEST_NS, TradingSwitch
from engine.model.instrument import Instrument
from engine.model.limits import RiskLimits
from engine.model.orders import AccountKind, Capabilities
from engine.model.plans import Idea
from engine.model.refusals import Refusal
from engine.model.view import TradingState
from engine.risk.sizers import BY_RISK, Ask, Wanted
from engine.risk.sizing import contracts, loss_usd
from engine.state.track_record import TrackRecord

_BY_STATE = {TradingState.LOCKED: Refusal.LOCKED, TradingState.HALTED: Refusal.HALTED}
_BY_GUARD = {"bands": Refusal.BAND, "calendar": Refusal.UNKNOWN_DAY}
"""What reduces by itself, and is no pause that a person could lift."""


class Circumstances(Struct, frozen=True):
    """All that the gate looks at, gathered by the core. Money in USD."""

    trading: TradingSwitch
    late_ns: int
    """How long ago the idea's bar closed."""
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
    busy_instrument: bool
    """A plan, a position or a live entry exists in this instrument."""
    unknown_orders: bool
    open_plans: int
    entries_today: int
    open_risk_usd: Decimal
    """What the open trades, and those being entered, would lose at their stops."""
    latest_ns: int = LATEST_NS
    """Older ideas are not traded."""
    capabilities: Capabilities = Capabilities()
    """Of the book's broker."""
    guard: str = ""
    """Which guard holds the trading state."""
    losses_in_a_row: int = 0
    daily_headroom_usd: Decimal | None = None
    """What may still be lost before the daily loss limit acts; None without one."""
    max_loss_headroom_usd: Decimal | None = None
    room_micros: int | None = None
    """Contracts, in micros, that the account may still hold; None means any number."""
    days_to_expiry: int | None = None
    """Until the contract's last day; None where its name does not tell."""
    room_headroom_usd: Decimal | None = None
    """What trades of the idea's alert room may still lose today; None without a limit."""
    equity_usd: Decimal | None = None
    """Of the account, if everything were closed now."""
    record: TrackRecord = TrackRecord()
    """How trades of this strategy or room have ended in this book."""


def check(
    idea: Idea,
    instrument: Instrument,
    limits: RiskLimits,
    now: Circumstances,
    wanted: Wanted = BY_RISK,
) -> tuple[int, tuple[Refusal, ...]]:
    """Contracts to trade, and every reason against it; no reason means go.

    `wanted` says how many are asked for; the risk per trade and the most contracts bound whatever it says.
    The most contracts of the account make a trade smaller. What is left of a loss limit does not: a trade
    that could reach the level at which the limit acts is refused.
    """
    against = list(closed(limits, now))

    def when(condition: bool, refusal: Refusal) -> None:
        if condition:
            against.append(refusal)

    when(now.late_ns > now.latest_ns, Refusal.TOO_LATE)
    when(now.busy_instrument, Refusal.IN_POSITION)
    when(now.unknown_orders, Refusal.UNKNOWN_ORDER)
    when(now.open_plans >= limits.max_open_trades, Refusal.MAX_SIZE)
    when(idea.score_tenths < limits.min_score_tenths, Refusal.SCORE)
    when(idea.reward_to_risk < limits.reward_to_risk_min, Refusal.REWARD_TO_RISK)
    distances = [idea.stop_ticks] + [(t - idea.reference) * idea.side.sign for t in idea.targets]
    when(not all(map(now.capabilities.takes_exit, distances)), Refusal.BRACKET_DISTANCE)
    qty = 0
    if idea.stop_ticks > 0:
        ask = Ask(
            instrument=instrument,
            price=idea.reference,
            stop_ticks=idea.stop_ticks,
            limits=limits,
            asked=wanted.asked,
            confidence=(Decimal(idea.score_tenths) / 100 if wanted.confidence is None else wanted.confidence),
            equity_usd=now.equity_usd,
            record=now.record,
        )
        qty = min(contracts(instrument, idea.stop_ticks, limits), wanted.sizer(ask))
    when(qty <= 0, Refusal.SIZE_ZERO)
    if now.room_micros is not None:
        fits = now.room_micros // instrument.minis
        when(qty > 0 and fits <= 0, Refusal.MAX_CONTRACTS)
        qty = min(qty, max(0, fits))
    risk = loss_usd(instrument, idea.stop_ticks, limits) * qty + now.open_risk_usd
    for headroom, refusal in (
        (now.daily_headroom_usd, Refusal.DAILY_LOSS),
        (now.max_loss_headroom_usd, Refusal.MAX_LOSS),
    ):
        when(qty > 0 and headroom is not None and risk >= headroom, refusal)
    left, alone = now.room_headroom_usd, loss_usd(instrument, idea.stop_ticks, limits) * qty
    when(qty > 0 and left is not None and alone >= left, Refusal.ROOM_LOSS)
    return qty, tuple(against)


def closed(limits: RiskLimits, now: Circumstances) -> tuple[Refusal, ...]:
    """What stands against any entry at all, whatever the idea and however many trades are open."""
    # Never so near that the flattening before the deadline would take the entry straight back.
    near = max(limits.no_entry_before_flat_ns, limits.flatten_before_flat_ns)
    state = _BY_STATE.get(now.state) or _BY_GUARD.get(now.guard, Refusal.PAUSED)
    found = (
        (now.state is not TradingState.ACTIVE, state),
        (not now.reconciled, Refusal.NOT_RECONCILED),
        (not now.can_trade, Refusal.ACCOUNT_BLOCKED),
        (not now.journal_ok, Refusal.JOURNAL_DOWN),
        (not now.venue_up, Refusal.VENUE_DOWN),
        (now.feed_stale, Refusal.FEED_STALE),
        (not now.in_hours, Refusal.OUTSIDE_HOURS),
        (now.ns_to_flat <= near, Refusal.NEAR_CLOSE),
        (now.days_to_expiry is not None and now.days_to_expiry <= limits.expiry_days, Refusal.EXPIRING),
        (0 < limits.max_trades <= now.entries_today, Refusal.MAX_TRADES),
        (0 < limits.max_losses_in_a_row <= now.losses_in_a_row, Refusal.LOSING_STREAK),
    )
    return (*hands_off(now.trading, now.kind, now.armed), *(why for stands, why in found if stands))


def hands_off(trading: TradingSwitch, kind: AccountKind | None, armed: bool) -> tuple[Refusal, ...]:
    """Why nothing may be done on an account by itself: play money needs a switch that is not off, the rest
    the switch live and an armed account.
    """
    live = kind is AccountKind.LIVE
    off = trading is TradingSwitch.OFF or kind is None or (live and trading is not TradingSwitch.LIVE)
    return (Refusal.OFF,) * off + (Refusal.NOT_ARMED,) * (live and not armed)
