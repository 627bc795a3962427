"""Every kind of fault of the practice venue. The package imports all modules that fill it."""

from adapters.simulator.fault_plan.plan import Catalogue

CATALOGUE = Catalogue()
add_kind, fault, parse = CATALOGUE.add, CATALOGUE.fault, CATALOGUE.parse
