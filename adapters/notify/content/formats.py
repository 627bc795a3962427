"""Money, prices, shares and times as messages write them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from adapters.notify.content.message import Message
from engine.model.market import MINUTE, NANOS, Side
from engine.model.notices import Severity
from engine.model.view import ContractView, View
from engine.ports import Clock

COLOURS = {
    Severity.INFO: 0x8A8F98,
    Severity.GOOD: 0x2E9E5B,
    Severity.WARNING: 0xD9A400,
    Severity.CRITICAL: 0xD03030,
}
"""RGB, to be seen on dark and on light."""

_LATE_NS = MINUTE
"""News this old says so."""


class TimeFormat:
    """Times in a zone, and how late news is by the engine's clock."""

    def __init__(self, zone: str, clock: Clock) -> None:
        self._zone = ZoneInfo(zone)
        self._clock = clock

    def now(self) -> int:
        """Nanoseconds UTC of the engine's clock."""
        return self._clock()

    def time(self, ts: int) -> str:
        """HH:MM:SS and the zone's short name."""
        return self._local(ts).strftime("%H:%M:%S %Z")

    def footer(self, message: Message) -> str:
        """The last line of a message: when, since when, how late, and who speaks."""
        when = self.time(message.ts)
        if message.first_ts and message.first_ts != message.ts:
            when = f"{self._local(message.first_ts).strftime('%H:%M:%S')} – {when}"
        late = self._clock() - message.ts
        told = f"told {_lateness(late)} late" if late >= _LATE_NS else ""
        day = self._local(message.ts).strftime("%d %b")
        return " · ".join(part for part in (f"{day} {when}", told, message.origin) if part)

    def one_line(self, message: Message) -> str:
        """A message as one line among others."""
        facts = message.sections[0].fields[:4] if message.sections else ()
        told = [f"{fact.name} {fact.value}" for fact in facts] or list(message.lines[:1])
        return f"{self._local(message.ts).strftime('%H:%M:%S')}  " + " · ".join([message.headline, *told])

    def _local(self, ts: int) -> datetime:
        return datetime.fromtimestamp(ts // NANOS, UTC).astimezone(self._zone)


def _lateness(ns: int) -> str:
    minutes = ns // MINUTE
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"


def duration(ns: int) -> str:
    """A length of time: "48 s", "12 min", "3 h 05 min"."""
    seconds = max(0, ns) // NANOS
    if seconds < 60:
        return f"{seconds} s"
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def result(amount: Decimal, currency: str) -> str:
    """With its sign: "+123.40 USD"."""
    return f"{amount:+,.2f} {currency}"


def cost(amount: Decimal, currency: str) -> str:
    """Without a sign, as an amount: "123.40 USD"."""
    return f"{amount:,.2f} {currency}"


def currency(view: View, instrument: str) -> str:
    """In which a contract is settled."""
    known = contract(view, instrument)
    return known.currency if known is not None else "USD"


def price(view: View, instrument: str, value: Decimal | None) -> str | None:
    """With the contract's decimals."""
    if value is None:
        return None
    known = contract(view, instrument)
    return f"{value:.{known.decimals}f}" if known is not None else f"{value.normalize():f}"


def contract(view: View, instrument: str) -> ContractView | None:
    return next((known for known in view.contracts if known.instrument == instrument), None)


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def ratio(value: float | None) -> str | None:
    """ "1 : 2.0", reward for one of risk."""
    return None if value is None else f"1 : {value:.1f}"


def side(value: Side) -> str:
    return "LONG" if value is Side.BUY else "SHORT"


def arrow(value: Side) -> str:
    return "🟢" if value is Side.BUY else "🔴"


def risk_usd(view: View, instrument: str, qty: int, entry: Decimal, stop: Decimal | None) -> Decimal | None:
    """USD between an average entry and a stop for signed contracts; negative where the stop locks a gain."""
    known = contract(view, instrument)
    if known is None or stop is None:
        return None
    ticks = (entry - stop) / known.tick_size * (1 if qty > 0 else -1)
    return ticks * known.tick_value_usd * abs(qty)
