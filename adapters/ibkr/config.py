"""Where TWS or IB Gateway listens, which account is traded, and as what each instrument is known there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.model.instrument import Instrument, InstrumentKind
from engine.model.orders import AccountKind, Capabilities

CAPABILITIES = Capabilities(native_brackets=False)
"""A bracket there needs prices, and ours are distances from a fill that is still to come: stop and target are
orders of our own, which rest at the venue."""

PAPER_PORTS = {7497: "TWS", 4002: "IB Gateway"}
LIVE_PORTS = {7496: "TWS", 4001: "IB Gateway"}
"""As they are installed. A port says nothing for sure: the account does."""

_EXCHANGES = {"ES": "CME", "NQ": "CME", "RTY": "CME", "MES": "CME", "MNQ": "CME", "M2K": "CME"} | {
    "YM": "CBOT", "MYM": "CBOT", "GC": "COMEX", "MGC": "COMEX", "CL": "NYMEX", "MCL": "NYMEX"
}  # fmt: skip


def kind_of(account: str) -> AccountKind:
    """Whether money is at stake, by an account's number: those of paper trading begin with D (DU, DF, DI).
    The one place that says so.
    """
    return AccountKind.PRACTICE if account.startswith("D") else AccountKind.LIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class IbContract:
    """A contract as it is asked for."""

    sec_type: str
    """FUT, STK, CRYPTO."""
    symbol: str
    exchange: str
    currency: str


def usual_contract(instrument: Instrument) -> IbContract:
    """How Interactive Brokers knows an instrument, where the settings don't say it."""
    symbol = instrument.symbol.partition("@")[0]
    if instrument.kind is InstrumentKind.FUTURE:
        return IbContract(
            sec_type="FUT",
            symbol=symbol,
            exchange=_EXCHANGES.get(symbol, "CME"),
            currency=instrument.currency,
        )
    if instrument.kind is InstrumentKind.EQUITY:
        return IbContract(
            sec_type="STK",
            symbol=symbol.replace(".", " "),
            exchange="SMART",
            currency=instrument.currency,
        )
    base = instrument.base or symbol.removesuffix(instrument.currency).rstrip("-/")
    return IbContract(sec_type="CRYPTO", symbol=base, exchange="PAXOS", currency=instrument.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class IbWaits:
    """In seconds of the real clock."""

    connect_s: float = 6.0
    """Until the gateway has answered all that is asked at the start, each part by itself."""
    read_s: float = 15.0
    act_s: float = 10.0
    """Until an entry is acknowledged; then its outcome is unknown."""
    protect_s: float = 1.5
    """The same for what protects or closes."""
    commission_s: float = 0.5
    """A fill is told without its commission report after so long: what protects it waits for it."""
    first_message_s: float = 15.0
    """Until every subscription of prices is answered."""
    history_s: float = 60.0
    backoff_first_s: float = 0.5
    backoff_cap_s: float = 30.0
    same_history_s: float = 15.0
    """Between two questions for the very same bars."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IbkrConfig:
    instruments: Mapping[str, Instrument]
    """What is watched and traded, by symbol."""
    contracts: Mapping[str, IbContract] = field(default_factory=dict)
    """Where an instrument is not known under the usual name, by symbol."""
    host: str = "127.0.0.1"
    port: int = 7497
    client_id: int = 17
    """Every program has its own; only the one that placed an order may change it, so it stays the same."""
    account: str = ""
    """Its number. Empty takes the login's only account, or its only one of paper trading."""
    book: str = "ibkr"
    """The book that trades on it; empty for prices only."""
    venue: str = "ibkr"
    """Its name in the settings and in every event."""
    roll_days: int = 8
    """A month is left so many days before its last one."""
    waits: IbWaits = field(default_factory=IbWaits)

    def asked(self, instrument: Instrument) -> IbContract:
        return self.contracts.get(instrument.symbol) or usual_contract(instrument)
