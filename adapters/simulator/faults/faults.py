"""The practice venue misbehaves on command: scripted, seeded faults, each where the real one would act.

The venue's own accounts stay true, whatever the client is told. From the start of a venue, or while it runs:

    SimulatorConfig(faults=(fault("lost-reply", call="place"), parse("late-event:event=fill,seconds=3")))
    armed = venue.faults.add("lost-reply", call="place", type="stop", nth=2)   # the 2nd stop that is placed
    await armed.happened()         # until it has acted; armed.acted counts, armed.over says it acts no more
    armed.disarm(); venue.faults.clear(); venue.faults.log   # (venue time, fault, what it acted on)

Every fault can be told when: `nth` (from the so many-th occasion), `times` (so often; 0 for ever), `p`
(with this probability), `at` and `lasting` (seconds of venue time since it was given). An occasion is a
call, an event, an order, as the fault's kind says. Faults of moments act at once, or at `at`, or again
`every` so many seconds, or tied by `on` to a call ("place") or an event ("fill"): right after it. The same
seed (`SimulatorConfig.fault_seed`, else its `seed`) and the same occasions give the same faults. All seconds
are venue time, so a clock that a test moves moves them too. `CATALOGUE` has every kind with its options;
`tstream simulate --list-faults` prints it.

Without a fault, at once:

    venue.controls.expire_tokens()                     .rotate_key("other")
    venue.controls.drop_hubs("user", close_record=False)   # "both", "market", "user"
    venue.controls.log_out()                           .halt(seconds)      .close_session()
    venue.controls.roll("MNQ", basis=400)              # the next month becomes the active contract
    restore = venue.controls.silence_market("quotes")  .silence_user()     # open connections only
    venue.controls.auto_oco(False)                     .legs_on_close("cancel")    .skew_clock(5.0)
    venue.platform.trade("MNQ", Side.SELL, 2)           # somebody trades on the platform: no tag
    venue.platform.rest("MNQ", Side.BUY, 1, limit=118_000)      .cancel(order_id)
    venue.platform.cancel_leg("MNQ", "stop")            # or "target"
    venue.platform.flatten()                            .block()           .close_account()
    venue.platforms[26_000_002].trade("MNQ", Side.BUY, 1)   # the same for another account, by id
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from adapters.simulator.exchange.exchange import Exchange
from adapters.simulator.fault_plan.armed import Acted, Armed, ArmedFaults
from adapters.simulator.fault_plan.plan import Fault, Seam, Value
from adapters.simulator.faults.calls import CallFaults
from adapters.simulator.faults.catalogue import fault
from adapters.simulator.faults.controls import Platform, VenueControls
from adapters.simulator.faults.events import EventFaults
from adapters.simulator.faults.moments import MomentFaults
from adapters.simulator.faults.orders import OrderFaults
from adapters.simulator.wire.projectx.hubs import Hubs


class Faults:
    """Every fault of one venue. They plug themselves in where they act, but for calls: see `calls.guard`."""

    def __init__(
        self,
        wanted: Iterable[Fault],
        seed: int,
        start: int,
        exchange: Exchange,
        hubs: Hubs,
        controls: VenueControls,
        platforms: Mapping[int, Platform],
    ) -> None:
        """Faults given from the beginning count their seconds from `start`, nanoseconds of venue time."""
        self._armed = ArmedFaults(seed, exchange.now, exchange.schedule)
        self._moments = MomentFaults(self._armed, controls, platforms)
        accounts = {account_id: platform.account for account_id, platform in platforms.items()}
        self.calls = CallFaults(self._armed, self._moments.follow, accounts)
        self.events = EventFaults(self._armed, hubs.send, self._moments.follow, accounts)
        exchange.status.interceptor = OrderFaults(self._armed, accounts)
        hubs.market.accepts = hubs.user.accepts = self.events.accepts
        for one in wanted:
            self._arm(one, start)

    def add(self, wanted: Fault | str, /, **options: Value) -> Armed:
        """Arm a fault, now. Raises FaultError."""
        armed = self._arm(
            fault(wanted, **options) if isinstance(wanted, str) else wanted, self._armed.clock()
        )
        self._armed.schedule.advance(self._armed.clock())
        return armed

    @property
    def armed(self) -> Sequence[Armed]:
        """The faults that may still act."""
        return self._armed.pending()

    @property
    def log(self) -> Sequence[Acted]:
        """Whatever acted, oldest first."""
        return self._armed.log

    def clear(self) -> None:
        """Disarm every fault; what was put in motion goes on."""
        self._armed.clear()

    def close(self) -> None:
        """Let go of every client that a fault keeps waiting."""
        self.calls.close()
        self._armed.schedule.close()

    def _arm(self, wanted: Fault, now: int) -> Armed:
        armed = self._armed.arm(wanted, now)
        if armed.kind.seam is Seam.MOMENT:
            self._moments.start(armed)
        return armed
