"""How much of each limit is used up, in bands that warn, reduce and act (docs/semantics.md#bands)."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

from msgspec import Struct

from engine.model.limits import RiskLimits
from engine.model.view import Band, LimitView
from engine.risk.presets import AccountLimits

DAILY_LOSS = "daily loss"
MAX_LOSS = "max loss"
DRAWDOWN = "drawdown"
EXPOSURE = "exposure"
TRADES = "trades"
LOSSES = "losses in a row"
SIZE = "size"

EASE_PERCENT = 10
"""A reduce band, once reached, holds until so much less of the limit is used: no flapping at its edge."""

_NO_END, _A_BIT = Decimal(10) ** 12, Decimal("1e-9")
"""USD. A band begins where just so much of its limit is used up, so what may be lost ends a bit before."""

_CENT, _TENTH = Decimal("0.01"), Decimal("0.1")

MICROS = 10
"""Micros in a mini."""


class Figures(Struct, frozen=True):
    """What the limits of a book are measured by. USD."""

    day_usd: Decimal | None
    """Net P&L of the day if everything were closed now; None where no limit asks for it."""
    headroom_usd: Decimal | None
    """Equity, if everything were closed now, above the trailing floor; None while that is not known, or where
    no limit asks for it.
    """
    entries: int
    losses_in_a_row: int
    micros: int
    """Contracts held or being entered, a mini counted as ten; 0 where any number may be."""
    profit_usd: Decimal
    """Balance of the account over its start at the end of the day before."""
    fall_usd: Decimal = Decimal(0)
    """How far the book, if everything were closed now, is below the highest it has been, USD."""
    equity_usd: Decimal | None = None
    """Of the account, if everything were closed now; None while that is not known."""
    exposed_usd: Decimal = Decimal(0)
    """What all that is held or being entered is worth."""

    def drawdown_usd(self, limits: RiskLimits) -> Decimal:
        """How far it may be below its highest; 0 where nobody says, or it is not known."""
        if not limits.max_drawdown_percent or self.equity_usd is None:
            return Decimal(0)
        usd = (self.equity_usd + self.fall_usd) * limits.max_drawdown_percent / 100
        return usd.quantize(_CENT, ROUND_DOWN) if usd >= 1 else usd


def measure(
    limits: RiskLimits, account: AccountLimits, now: Figures, currency: str = "USD"
) -> tuple[LimitView, ...]:
    """Every limit that is set, the nearest to being hit first; `currency` is the book's."""
    found = []
    if account.daily_loss_usd and now.day_usd is not None:
        used = max(Decimal(0), -now.day_usd)
        found.append(_money(limits, DAILY_LOSS, used, account.daily_loss_usd, currency))
    if account.max_loss_usd and now.headroom_usd is not None:
        used = max(Decimal(0), account.max_loss_usd - now.headroom_usd)
        found.append(_money(limits, MAX_LOSS, used, account.max_loss_usd, currency))
    if (most_usd := now.drawdown_usd(limits)) > 0:
        found.append(_money(limits, DRAWDOWN, now.fall_usd, most_usd, currency))
    if limits.max_exposure_percent and now.equity_usd is not None and now.equity_usd > 0:
        share = (now.exposed_usd * 100 / now.equity_usd).quantize(_TENTH)
        found.append(_count(limits, EXPOSURE, share, limits.max_exposure_percent, "%"))
    minis = account.minis(now.profit_usd)
    for name, count, most, unit in (
        (TRADES, now.entries, limits.max_trades, "trades"),
        (LOSSES, now.losses_in_a_row, limits.max_losses_in_a_row, "losses"),
        (SIZE, Decimal(now.micros) / MICROS if minis else 0, minis, "minis"),
    ):
        if most:
            found.append(_count(limits, name, Decimal(count), Decimal(most), unit))
    return tuple(sorted(found, key=lambda view: -view.used / view.limit))


def headroom_usd(limits: RiskLimits, account: AccountLimits, now: Figures) -> dict[str, Decimal]:
    """What may still be lost before each money limit acts, USD, by the limit's name."""
    spare = Decimal(100 - limits.act_percent) / 100
    left: dict[str, Decimal] = {}
    if account.daily_loss_usd and now.day_usd is not None:
        left[DAILY_LOSS] = account.daily_loss_usd * (1 - spare) + now.day_usd
    if account.max_loss_usd and now.headroom_usd is not None:
        left[MAX_LOSS] = now.headroom_usd - account.max_loss_usd * spare
    if (most_usd := now.drawdown_usd(limits)) > 0:
        left[DRAWDOWN] = most_usd * (1 - spare) - now.fall_usd
    return left


def exposure_left_usd(limits: RiskLimits, now: Figures) -> Decimal | None:
    """What may still be held besides, USD; None without such a limit, nothing while equity is not known."""
    if not limits.max_exposure_percent:
        return None
    equity = max(Decimal(0), now.equity_usd or Decimal(0))
    return max(Decimal(0), equity * limits.max_exposure_percent / 100 - now.exposed_usd)


def room_usd(limits: RiskLimits, account: AccountLimits, now: Figures) -> tuple[Decimal, Decimal]:
    """How much may be lost and gained before a band of a money limit begins or ends, USD."""
    if not account.daily_loss_usd and not account.max_loss_usd and not limits.max_drawdown_percent:
        return _NO_END - _A_BIT, _NO_END
    reduces = limits.reduce_percent
    shares = sorted({limits.warn_percent, reduces, reduces - EASE_PERCENT, limits.act_percent})
    begins, ends = _NO_END, _NO_END
    for limit, used in (
        (account.daily_loss_usd, None if now.day_usd is None else -now.day_usd),
        (account.max_loss_usd, None if now.headroom_usd is None else account.max_loss_usd - now.headroom_usd),
        (now.drawdown_usd(limits), now.fall_usd),
    ):
        if not limit or used is None:
            continue
        for share in shares:
            left = limit * share / 100 - used
            if left > 0:
                begins = min(begins, left)
                break
            ends = min(ends, -left)
    return begins - _A_BIT, ends


def room_micros(account: AccountLimits, now: Figures) -> int | None:
    """Contracts, in micros, that may still be added; None where any number may."""
    minis = account.minis(now.profit_usd)
    return max(0, minis * MICROS - now.micros) if minis else None


def percent(view: LimitView) -> Decimal:
    """How much of a limit is used up, per cent."""
    return view.used * 100 / view.limit


def _money(limits: RiskLimits, name: str, used: Decimal, limit: Decimal, currency: str) -> LimitView:
    share = used * 100 / limit
    if share >= limits.act_percent:
        band = Band.ACT
    elif share >= limits.reduce_percent:
        band = Band.REDUCE
    else:
        band = Band.WARN if share >= limits.warn_percent else Band.CLEAR
    return LimitView(name, used, limit, currency, band)


def _count(limits: RiskLimits, name: str, used: Decimal, limit: Decimal, unit: str) -> LimitView:
    """A count refuses entries only when it is used up."""
    if used >= limit:
        band = Band.REDUCE
    else:
        band = Band.WARN if used * 100 >= limit * limits.reduce_percent else Band.CLEAR
    return LimitView(name, used, limit, unit, band)
