"""One list of acceptance cards for every venue: its adapter at its twin, over real sockets.

`cards.py` has the cards, a function each that takes a `VenueUnderTest`. Every kind of venue whose practice
venue is a twin runs them (`venues.py`); nothing has to be said for a new one.
"""
