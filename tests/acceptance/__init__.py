"""One list of acceptance cards for every venue: its adapter at its twin, over real sockets.

`cards.py` has the cards, a function each that takes a `VenueUnderTest`. A venue's own module (test_kraken.py
is the one to read) says how its twin is begun and its adapter made, and runs `CARDS` on that.
"""
