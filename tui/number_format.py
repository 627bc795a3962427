"""How numbers look: fixed digits, a sign that does not need colour, thousands that can be told apart."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache, partial

from engine.model.figures import MINUS as MINUS
from engine.model.figures import percent as share_words
from engine.model.market import NANOS

NONE = "—"
"""Stands where a number is not known; never a zero."""

_UP, _DOWN, _FLAT = "▲", "▼", "•"

_SHOWN = 512
"""So many numbers are kept as texts: more than a screen shows. Each is 400 bytes, and a day has thousands."""


def arrow(sign: Decimal | int) -> str:
    """An arrow for what rises, falls, or does neither."""
    return _UP if sign > 0 else _DOWN if sign < 0 else _FLAT


def tone(sign: Decimal | int | None, above: str = "gain", below: str = "loss") -> str:
    """The style name for a signed number: of money, unless other names are given."""
    if sign is None:
        return "dim"
    return above if sign > 0 else below if sign < 0 else "flat"


trend = partial(tone, above="up", below="down")
"""The style name for a price or a direction."""
side = partial(tone, above="buy", below="sell")
"""The style name for what is held or ordered."""


@lru_cache(maxsize=_SHOWN)
def price(value: Decimal | None, decimals: int) -> str:
    """A price with the digits of its tick: "21034.25"."""
    return NONE if value is None else f"{value:.{decimals}f}".replace("-", MINUS)


@lru_cache(maxsize=_SHOWN)
def signed(value: Decimal | float | None, decimals: int = 2) -> str:
    """A number that always carries its sign: "+1,184.20", "−61.00", "0.00"."""
    if value is None:
        return NONE
    text = f"{value:+,.{decimals}f}"
    if not any(digit in "123456789" for digit in text):
        return text[1:]
    return text.replace("-", MINUS)


def percent(share: Decimal | float | None, digits: int = 0) -> str:
    """A share of one: "58 %"."""
    return NONE if share is None else share_words(share, digits)


def usd(value: Decimal | None) -> str:
    """Money without a plus: "50,184.20"."""
    return NONE if value is None else f"{value:,.2f}".replace("-", MINUS)


def quantity(lots: int, lot: Decimal = Decimal(1)) -> str:
    """So many lots as people count them, without a sign: "2", "0.0137"."""
    return f"{(abs(lots) * lot).normalize():f}"


def held(lots: int, lot: Decimal = Decimal(1)) -> str:
    """So many lots that are held, with their sign: "+2", "−0.0137", "0"."""
    return f"{'+' if lots > 0 else MINUS if lots < 0 else ''}{quantity(lots, lot)}"


def volume(lots: int, lot: Decimal) -> str:
    """So many lots that were traded, with their thousands told apart: "1,204", "12.0375"."""
    return f"{lots:,}" if lot == 1 else f"{(lots * lot).normalize():,f}"


def shortened(name: str, width: int) -> str:
    """A name in at most `width` characters: its end is kept, by which names of one family differ."""
    if len(name) <= width:
        return name
    head = (width - 1) // 2
    return f"{name[:head]}…{name[len(name) - (width - 1 - head) :]}"


def whole(value: Decimal) -> str:
    """A whole number with its thousands told apart: "1,204"."""
    return f"{value:,.0f}".replace("-", MINUS)


def age(nanos: int | None) -> str:
    """How long ago, in at most four characters: "0.1s", "12s", "3m", "2h"."""
    if nanos is None:
        return NONE
    seconds = max(0, nanos) / NANOS
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    if seconds < 99.5:
        return f"{seconds:.0f}s"
    if seconds < 5_970:
        return f"{seconds / 60:.0f}m"
    return f"{min(seconds / 3600, 999):.0f}h"


def lasting(nanos: int) -> str:
    """For how long already, in whole units and at most three characters: "4s", "12m", "2h", "3d"."""
    seconds = max(0, nanos) // NANOS
    for size, unit in ((100, "s"), (6_000, "m"), (172_800, "h")):
        if seconds < size:
            return f"{seconds // {'s': 1, 'm': 60, 'h': 3600}[unit]}{unit}"
    return f"{min(seconds // 86_400, 99)}d"


def duration(nanos: int) -> str:
    """ "2h 05m", "5m 12s", "48s"."""
    seconds = max(0, nanos) // NANOS
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}m {seconds % 60:02d}s"
    return f"{seconds // 3600}h {seconds % 3600 // 60:02d}m"


def gauge(share: float, width: int) -> tuple[str, str]:
    """A bar of `width` cells as its filled and its empty part; heavy against light, so it needs no colour."""
    halves = round(min(1.0, max(0.0, share)) * width * 2)
    full, half = divmod(halves, 2)
    filled = "━" * full + "╾" * half
    return filled, "─" * (width - len(filled))


def gauge_used(share: float, width: int) -> tuple[str, str]:
    """A gauge that is full only when all is used up, and that shows anything used at all."""
    halves = min(width * 2, int(max(0.0, share) * width * 2))
    if share > 0:
        halves = max(1, halves)
    return gauge(halves / (width * 2), width) if width else ("", "")


_EIGHTHS = "▁▂▃▄▅▆▇█"


def spark(values: Sequence[int], width: int) -> str:
    """The last `width` values as a line of little bars."""
    values = values[-width:]
    if not values:
        return " " * width
    low, high = min(values), max(values)
    span = high - low
    bars = "".join(_EIGHTHS[(v - low) * 7 // span] if span else _EIGHTHS[3] for v in values)
    return bars.rjust(width)
