"""Happenings in words: what people are told of, by sequence number; and the lines of the log.

Prices are Decimals in price units, money is USD. Times are nanoseconds UTC of the engine's clock.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from engine.model.market import Side
from engine.model.verdicts import OrderVerdict


class Severity(StrEnum):
    INFO = "info"
    GOOD = "good"
    WARNING = "warning"
    CRITICAL = "critical"


class NoticeKind(StrEnum):
    SIGNAL = "signal"
    """An idea that was taken."""
    REFUSAL = "refusal"
    FILL = "fill"
    ORDER = "order"
    RISK = "risk"
    STATE = "state"
    COMMAND = "command"
    CONNECTION = "connection"
    MARKET = "market"
    SECURITY = "security"
    """Who came in by which door, or tried to."""


class PatternFacts(Struct, frozen=True):
    """How the pattern behind a signal has done so far. Shares are 0..1."""

    name: str
    trades: int
    """How many the figures rest on."""
    win_rate: float
    profit_factor: float | None = None
    confidence: float | None = None
    source: str = ""
    """Where the figures come from: "backtest", "live"."""
    mean_r: float | None = None
    """What a trade came to on average, net, in units of its risk."""


class SignalFacts(Struct, frozen=True):
    """The plan behind a signal. Prices are Decimals in price units, money is USD."""

    side: Side
    qty: int
    """Contracts, all legs together."""
    entry: Decimal
    """The limit price, or about where a market entry fills."""
    stop: Decimal
    targets: tuple[Decimal, ...]
    """Nearest first."""
    risk_usd: Decimal
    """Loss at the stop, costs included."""
    strategy: str
    market: bool = True
    """Enters at market, not by a limit order."""
    score_tenths: int = 0
    """0..100; 0 where the signal has no score."""
    timeframe: str = ""
    reasons: tuple[str, ...] = ()
    size_reason: str = ""
    """Why it is so large, in words with the numbers."""
    pattern: PatternFacts | None = None
    regime: str = ""
    """How its timeframe's market was, where that is known."""
    against: str = ""
    """Why its paper book has not entered it, in words; empty where it has."""

    @property
    def reward_to_risk(self) -> float | None:
        """Reward at the nearest target over risk, in price; None without a target or with a stop amiss."""
        if not self.targets:
            return None
        return reward_to_risk(self.side, self.entry, self.stop, self.targets[0])


def reward_to_risk(side: Side, entry: Decimal, stop: Decimal, target: Decimal) -> float | None:
    """Reward over risk in price; None where the stop is not on the losing side."""
    risk = (entry - stop) * side.sign
    return float((target - entry) * side.sign / risk) if risk > 0 else None


class Notice(Struct, frozen=True):
    """One discrete happening in words. `text` may hold words from outside: never render it as markup."""

    seq: int
    """From 1 on in this run; below 0 is what earlier runs told."""
    ts: int
    kind: NoticeKind
    severity: Severity
    text: str
    instrument: str | None = None
    book: str | None = None
    command_id: str | None = None
    """Which command this answers, for notices of kind COMMAND."""
    signal: SignalFacts | None = None
    """The plan, for notices of kind SIGNAL."""
    done: bool | None = None
    """Whether the command that this answers was carried out."""
    link: str = ""
    """The connection whose change of state this tells."""
    alarm: str = ""
    """The alarm that this raises, by its name: it stands until a later notice ends it. For comparing only."""
    ends: tuple[str, ...] = ()
    """Alarms of earlier notices that are over."""
    net_usd: Decimal | None = None
    """What a fill earned that closed contracts, net of the costs of both sides, USD."""
    r: float | None = None
    """The same in units of what those contracts risked at their first stop."""
    verdicts: tuple[OrderVerdict, ...] = ()
    """What each book says, for answers to orders by hand."""


class LogLine(Struct, frozen=True):
    """One line of the log as the screen shows it. `text` is data: never render it as markup."""

    seq: int
    ts: int
    level: str
    """DEBUG, INFO, WARNING, ERROR, CRITICAL."""
    logger: str
    text: str
