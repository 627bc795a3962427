"""What a practice twin can be told."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from msgspec import Struct

from adapters.simulator.exchange.clock import PracticeClock
from adapters.simulator.fault_plan.plan import Fault
from engine.model.instrument import Instrument
from engine.venue.fill_model import FillModel

MILLI = 1_000_000
PRACTICE = "practice"


class TwinLogin(Struct, frozen=True):
    """An account, and what logs in to it: on practice one text stands for every secret part."""

    account: str = "PRACTICE"
    """Its name."""
    key: str = PRACTICE
    secret: str = PRACTICE
    passphrase: str = PRACTICE
    money: Decimal = Decimal(50_000)
    """What a new one begins with, in the currency of the instruments."""
    coins: dict[str, Decimal] = {}
    """What it holds of coins besides, whoever bought them."""


class TwinConfig(Struct, frozen=True):
    instruments: tuple[Instrument, ...]
    """What is listed, in engine terms: `root` is the venue's own name of each."""
    host: str = "127.0.0.1"
    port: int = 0
    """0 takes any free port."""
    seed: int = 60
    rate: float = 1.0
    """Multiplies quotes and prints per second."""
    speed: float = 1.0
    """How fast practice time runs."""
    hold_s: float = 0.0
    """Practice time stands still until `Twin.release`, but no longer than so many real seconds."""
    since_ns: int = 0
    """A restored market goes on from this instant of practice time, if it lies behind the kept one."""
    clock: PracticeClock | None = None
    """Practice time to live in, of another practice venue on this machine; its rate must be `speed`."""
    state: Path | None = None
    """File that keeps accounts and market between runs; None keeps it in memory."""
    logins: tuple[TwinLogin, ...] = (TwinLogin(),)
    model: FillModel = FillModel(latency_ns=8 * MILLI)
    batch_s: float = 0.02
    """How often market events leave, real seconds."""
    faults: tuple[Fault, ...] = ()
    fault_seed: int | None = None
    """Of the chance in faults; None takes that of the market."""
