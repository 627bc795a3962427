"""What the exchange is told: its accounts, and the habits of the platform."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from msgspec import Struct, structs

from engine.venue.fill_model import FillModel


class AccountSpec(Struct, frozen=True):
    """An account as the venue opens it."""

    id: int = 26_000_001
    name: str = "PRAC-V2-100001-00000001"
    balance_usd: Decimal = Decimal(50_000)
    max_minis: int = 5
    """Most contracts held at once, in minis; ten micros count as one."""
    daily_loss_usd: Decimal | None = None
    """A trading day's loss, open P&L and costs included, at which the account is closed out until 17:00."""
    max_loss_usd: Decimal | None = None
    """Distance below the highest end-of-day balance at which the account is closed out for good."""


MOST_ACCOUNTS = 20
"""Of one login."""


def accounts_of_a_login(count: int, like: AccountSpec | None = None) -> tuple[AccountSpec, ...]:
    """So many accounts that differ in id and name only, as the platform numbers them; see MOST_ACCOUNTS."""
    like = like or AccountSpec()
    login = like.name.rpartition("-")[0]
    return tuple(
        structs.replace(like, id=like.id + index, name=f"{login}-{index + 1:08}") for index in range(count)
    )


class PlatformRules(Struct, frozen=True):
    """How the account's platform settings and the platform's unverified habits stand."""

    legs_on_close: Literal["keep", "cancel"] = "keep"
    """Whether closing a position removes its bracket legs: live, that is not reliable."""
    auto_oco: bool = True
    """The account's "Auto OCO Brackets" setting; without it brackets are refused."""
    id_on_reject: bool = True
    """A rejected place answers with the id of the rejected order."""


class ExchangeConfig(Struct, frozen=True):
    accounts: tuple[AccountSpec, ...]
    model: FillModel
    rules: PlatformRules
    desk_flattens: bool
    """At 15:10 Chicago time orders expire and positions are closed."""
    seed: int
    speed: float
    """Only kept with the state: whoever goes on with it must know how fast time has run."""
