"""What the practice venue can be told."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from adapters.simulator.exchange.clock import PracticeClock
from adapters.simulator.exchange.config import AccountSpec, ExchangeConfig, PlatformRules
from adapters.simulator.fault_plan.plan import Fault
from adapters.simulator.wire.projectx.access import BARS, DAY_NS, REST, RateLimit
from adapters.simulator.wire.projectx.signalr import HubTiming
from engine.venue.fill_model import FillModel

MILLI = 1_000_000

DEFAULT_SEED = 60
"""A day on which the strategy finds its first trade with the first minute."""

CAPTURED = FillModel(latency_ns=8 * MILLI)
"""The venue's own latency as captured on the live platform (docs/protocols/projectx.md#bracket-life-cycle):
that of the way to it is added by the wire."""


class SimulatorConfig(Struct, frozen=True):
    host: str = "127.0.0.1"
    port: int = 0
    """0 takes any free port."""
    seed: int = DEFAULT_SEED
    """Of the generated market, or of how it goes on after a restored past."""
    rate: float = 1.0
    """Multiplies quotes and prints per second."""
    speed: float = 1.0
    """How fast practice time runs."""
    hold_s: float = 0.0
    """Practice time stands still until `PracticeVenue.release`, but no longer than so many real seconds: at a
    high speed the lead alone is too short for a client that starts together with the venue."""
    since_ns: int = 0
    """A restored market goes on from this instant of practice time, if it lies behind the kept one."""
    clock: PracticeClock | None = None
    """Practice time to live in, of another practice venue on this machine, instead of one that begins with
    the market; its rate must be `speed`. The market begins with it where it has no later past of its own:
    with the same seed, and both new, the two play the same one."""
    state: Path | None = None
    """File that keeps accounts and market between runs; None keeps it in memory."""
    user: str = "practice"
    key: str = "practice"
    accounts: tuple[AccountSpec, ...] = (AccountSpec(),)
    model: FillModel = CAPTURED
    rules: PlatformRules = PlatformRules()
    token_lifetime_ns: int = DAY_NS
    rest_limit: RateLimit = REST
    bars_limit: RateLimit = BARS
    timing: HubTiming = HubTiming()
    batch_s: float = 0.02
    """How often market events leave, real seconds."""
    faults: tuple[Fault, ...] = ()
    """Armed from the start (see `adapters.simulator.faults.faults`)."""
    fault_seed: int | None = None
    """Of the chance in faults; None takes that of the market."""
    desk_flattens: bool = True
    """At 15:10 Chicago time orders expire and positions are closed."""

    def exchange(self) -> ExchangeConfig:
        """What of it concerns the exchange."""
        return ExchangeConfig(
            self.accounts, self.model, self.rules, self.desk_flattens, self.seed, self.speed
        )
