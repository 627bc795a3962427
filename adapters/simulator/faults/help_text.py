"""What --list-faults prints: every fault with what it does, its options and an example."""

from __future__ import annotations

from adapters.simulator.fault_plan import help_text as texts
from adapters.simulator.fault_plan.plan import Seam
from adapters.simulator.faults.catalogue import CATALOGUE

_HEAD = """\
Faults of the practice venue: --fault NAME[:key=value,...], as often as wanted. Whatever a client is told,
the venue's own accounts stay true. The same seed and the same occasions give the same faults.
"""
_OCCASIONS = {
    Seam.CALL: "Faults of REST calls. An occasion is a call that fits.",
    Seam.EVENT: "Faults of the user hub. An occasion is an event that fits.",
    Seam.SUBSCRIPTION: "Faults of subscriptions. An occasion is an invocation that subscribes.",
    Seam.ORDER: "Faults of orders that arrive. An occasion is a placed order that fits.",
    Seam.FILL: "Faults of fills. An occasion is an order that fits and could fill more than a part.",
    Seam.MOMENT: "Faults of moments. An occasion is an instant of venue time, or what `on` names.",
}


def help_text() -> str:
    """The whole text."""
    return texts.help_text(CATALOGUE, _HEAD, _OCCASIONS)
