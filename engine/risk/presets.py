"""What the firms' accounts may do, as dated data, and what counts for one account
(docs/protocols/projectx.md#account-rules).

The gateway enforces these rules and tells nobody of them: they are configuration, guessed from the account's
name. Every number can be overridden; an explicit setting wins over the preset.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import TypeVar

from msgspec import Struct

from engine.model.limits import RiskLimits
from engine.model.orders import Account, AccountKind, AccountStage

T = TypeVar("T")

AUTO = "auto"
NONE = "none"

_HELP = "help.topstep.com articles 8284204 (maximum loss limit) and 9772296 (daily loss limit)"
_AS_OF = date(2026, 8, 19)


class Preset(Struct, frozen=True):
    """The rules of one kind of account. Amounts in USD."""

    name: str
    size_usd: Decimal
    max_loss_usd: Decimal
    """How far the floor is below the highest end-of-day balance; it stops rising at the starting balance."""
    daily_loss_usd: Decimal
    """0 where the account has no daily loss limit."""
    max_minis: int
    as_of: date
    source: str
    minis_by_profit: tuple[tuple[Decimal, int], ...] = ()
    """Funded accounts may grow: profit at the end of the day before, and the most minis from there on."""


def _topstep(
    kind: str,
    thousands: int,
    max_loss: int,
    minis: int,
    *,
    daily: int = 0,
    growth: tuple[tuple[Decimal, int], ...] = (),
) -> Preset:
    return Preset(
        f"topstep_{kind}{thousands}k" + ("_dll" if daily else ""),
        Decimal(thousands * 1000),
        Decimal(max_loss),
        Decimal(daily),
        minis,
        _AS_OF,
        _HELP,
        growth,
    )


_GROWTH_50K = ((Decimal(0), 2), (Decimal(1500), 3), (Decimal(2000), 5))

PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        _topstep("", 50, 2000, 5),
        _topstep("", 100, 3000, 10),
        _topstep("", 150, 4500, 15),
        _topstep("", 50, 2000, 5, daily=1000),
        _topstep("", 100, 3000, 10, daily=2000),
        _topstep("", 150, 4500, 15, daily=3000),
        _topstep("xfa_", 50, 2000, 5, growth=_GROWTH_50K),
        # Where the larger funded accounts may grow is not known for sure: they stay at the first step.
        _topstep("xfa_", 100, 3000, 3),
        _topstep("xfa_", 150, 4500, 3),
    )
}

_SIZE = re.compile(r"(?<!\d)(50|100|150)K", re.IGNORECASE)
_FUNDED = re.compile(r"(?:^|-)(?:EXPRESS|XFA)(?:-|$|\d)", re.IGNORECASE)


class AccountLimits(Struct, frozen=True):
    """What counts for one account: its preset with a person's own settings over it. USD; 0 is off."""

    preset: str = ""
    """As people are told: "topstep_50k (guessed from the account's name)"; empty for none."""
    stage: AccountStage | None = None
    size_usd: Decimal | None = None
    daily_loss_usd: Decimal = Decimal(0)
    """The stricter of the firm's and a person's own."""
    firm_daily: bool = False
    """The firm's is the stricter one."""
    max_loss_usd: Decimal = Decimal(0)
    max_minis: int = 0
    minis_by_profit: tuple[tuple[Decimal, int], ...] = ()

    def minis(self, profit_usd: Decimal) -> int:
        """Most minis at a profit (at the end of the day before); 0 means any number."""
        reached = [minis for least, minis in self.minis_by_profit if profit_usd >= least]
        first = self.minis_by_profit[0][1] if self.minis_by_profit else self.max_minis
        grown = reached[-1] if reached else first
        return min(grown, self.max_minis) if self.max_minis else grown

    def start_usd(self, balance_usd: Decimal) -> Decimal:
        """What an account with this balance began with, in the frame in which the venue counts it.

        Evaluations begin at their size, funded accounts at zero, and a floor in one frame compared with a
        balance in the other would never be reached (docs/semantics.md#funded-accounts): the nearer one it is.
        """
        if self.size_usd is None:
            return balance_usd
        return self.size_usd if balance_usd * 2 > self.size_usd else Decimal(0)


def guess(account: Account) -> str:
    """The preset that an account's name ("50KTC-V2-DLL-...") stands for; "none" also for play money."""
    size = _SIZE.search(account.name)
    if size is None or account.kind is not AccountKind.LIVE:
        return NONE
    funded = "xfa_" if _FUNDED.search(account.name) else ""
    plain = f"topstep_{funded}{size[1]}k"
    return f"{plain}_dll" if "-DLL" in account.name.upper() and f"{plain}_dll" in PRESETS else plain


def stage_of(account: Account | None, preset: str) -> AccountStage | None:
    """What an account is about, by its name and the preset that counts for it. The name of a funded one goes
    before a preset that a person has chosen: of two words the one that more depends on."""
    if account is None or account.kind is not AccountKind.LIVE:
        return None
    if _FUNDED.search(account.name) or "_xfa_" in preset:
        return AccountStage.FUNDED
    return None if preset == NONE else AccountStage.EVAL


def resolve(limits: RiskLimits, account: Account | None) -> AccountLimits:
    """What counts for an account; None while it is not known. Raises KeyError for an unknown preset."""
    guessed = limits.account_preset == AUTO
    name = limits.account_preset
    if guessed:
        name = guess(account) if account is not None else NONE
    preset = None if name == NONE else PRESETS[name]
    firm = _chosen(limits.firm_daily_loss_usd, preset.daily_loss_usd if preset else Decimal(0))
    own = limits.daily_loss_usd
    return AccountLimits(
        preset="" if preset is None else name + (" (guessed from the account's name)" if guessed else ""),
        stage=stage_of(account, name),
        size_usd=preset.size_usd if preset else None,
        daily_loss_usd=min(firm, own) if firm and own else firm or own,
        firm_daily=bool(firm and (not own or firm < own)),
        max_loss_usd=_chosen(limits.max_loss_usd, preset.max_loss_usd if preset else Decimal(0)),
        max_minis=_chosen(limits.max_minis, preset.max_minis if preset else 0),
        minis_by_profit=_chosen(
            # A size of one's own is meant as it is said, whatever the preset's growth.
            limits.minis_by_profit if limits.max_minis is None else limits.minis_by_profit or (),
            preset.minis_by_profit if preset else (),
        ),
    )


def _chosen(explicit: T | None, preset: T) -> T:
    return preset if explicit is None else explicit
