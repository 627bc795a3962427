"""The trailing floor of an account: the maximum loss limit (docs/semantics.md#trailing-floor)."""

from __future__ import annotations

from decimal import Decimal


def floor_usd(
    start_usd: Decimal, distance_usd: Decimal, high_usd: Decimal, *, fixed: bool = False
) -> Decimal:
    """The equity at which the account is lost, in the frame of the balances.

    It trails the highest end-of-day balance, never falls, and stops at the starting balance; `fixed` has it
    stand there for good. A frame that starts at zero (funded accounts) is the same formula.
    """
    if fixed:
        return start_usd
    return min(start_usd, start_usd - distance_usd + max(Decimal(0), high_usd - start_usd))
