"""What the engine is told before it starts. Plain values: the front door turns settings into these."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from engine.model.instrument import Instrument
from engine.model.market import MINUTE, NANOS


class TradingSwitch(StrEnum):
    """What the engine may do with money. Off by default outside the practice venue."""

    OFF = "off"
    PAPER = "paper"
    LIVE = "live"


class RiskLimits(Struct, frozen=True):
    """A person's own limits; a venue's come on top. Amounts in USD, per book."""

    risk_per_trade_usd: Decimal = Decimal(200)
    max_contracts: int = 5
    """Per trade."""
    max_open_trades: int = 6
    """At a time, all contracts together."""
    max_trades: int = 40
    """Per trade date."""
    daily_loss_usd: Decimal = Decimal(800)
    """Net loss of a trade date, open positions and costs included, at which everything is flattened."""
    reward_to_risk_min: float = 1.5
    min_score_tenths: int = 60
    slippage_ticks: int = 1
    """Assumed when sizing, per side."""
    stale_ns: int = 30 * NANOS
    no_entry_before_flat_ns: int = 15 * MINUTE
    """No entry this long before positions must be flat."""
    flatten_before_flat_ns: int = 5 * MINUTE
    """Everything is flattened this long before the venue's own cut-off."""
    break_even_after_first_target: bool = True
    hours_start: str = ""
    """HH:MM in `hours_zone`; empty means around the clock."""
    hours_end: str = ""
    hours_zone: str = "UTC"


class EngineConfig(Struct, frozen=True):
    """One engine run."""

    instruments: tuple[Instrument, ...]
    venue: str
    """As the status bar names it."""
    install: str
    """Names this installation in client ids, so that a lost database can't repeat one."""
    boot: int
    """Counts starts of this installation."""
    trading: TradingSwitch = TradingSwitch.OFF
    armed_accounts: tuple[str, ...] = ()
    """Names of live accounts that a person has armed by typing them."""
    practice_time: bool = False
    risk: RiskLimits = RiskLimits()
    bar_grace_ns: int = NANOS
    """A minute closes this long after its end at the latest (semantics: bar rules)."""
    bracket_grace_ns: int = 2 * NANOS
    """A filled entry whose protection is not seen by then gets a stop of our own."""
    unknown_checks: int = 3
    unknown_after_ns: int = 15 * NANOS
    """An order whose outcome is unknown counts as lost after so many checks over so long."""
    slow_cycle_ns: int = MINUTE
    """Positions and orders are compared with the venue this often."""
