"""The section [paper]: a paper book beside the venue's book."""

from __future__ import annotations

from decimal import Decimal

from tstream.settings.fields import Usd, Whole, setting
from tstream.settings.sections import Section


class PaperSettings(Section):
    """Play money inside tstream, traded on the same ideas beside the account. [risk] holds for it too."""

    enabled: bool | None = setting(
        None,
        "Whether there is one. Without trading there is none, whatever stands here; one that still holds "
        "something is kept until that has run out.",
        reload="restart",
        default='true with trading = "paper" outside the practice venue, else false',
    )
    balance_usd: Usd = setting(
        Decimal(50_000), "What it begins with, USD.", reload="restart", gt=0, le=100_000_000
    )
    latency_ms: Whole = setting(
        50,
        "From placing an order to its being in the market, milliseconds.",
        reload="restart",
        ge=0,
        le=60_000,
    )
    slippage_ticks: Whole = setting(
        1,
        "How much worse than the touch, or than a stop's price, a fill is, ticks.",
        reload="restart",
        ge=0,
        le=100,
    )
    commission_usd: Usd | None = setting(
        None,
        "Broker's commission per contract and side, USD. Without it each product's own; fees are counted "
        "in any case.",
        reload="restart",
        ge=0,
        le=100,
    )
