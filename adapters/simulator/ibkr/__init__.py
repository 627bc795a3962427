"""IB Gateway on loopback: its socket protocol as far as ib_async needs it, around the one venue."""
