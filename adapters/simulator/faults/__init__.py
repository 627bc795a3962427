"""The practice venue misbehaves on command: the catalogue of faults and where each acts.

Whoever imports anything of it finds `catalogue.CATALOGUE` filled.
"""

from adapters.simulator.faults import calls, events, moments, orders

__all__ = ["calls", "events", "moments", "orders"]
