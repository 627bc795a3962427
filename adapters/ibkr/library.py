"""ib_async, which is an extra: it is imported when a venue needs it, and not before."""

from __future__ import annotations

import logging
from types import ModuleType

from engine.model.errors import FatalError

OLDEST_SERVER, NEWEST_SERVER = 157, 178
"""API versions of TWS that the library speaks. A newer TWS speaks the newest of them too."""


def load() -> ModuleType:
    """The library. Raises FatalError where it is not installed."""
    try:
        import ib_async
    except ImportError:
        raise FatalError(
            'Interactive Brokers needs the package ib_async: pip install "tstream[ibkr]"'
        ) from None
    # What it has to say comes by its events too; it writes account values at every change.
    logging.getLogger("ib_async").setLevel(logging.CRITICAL)
    return ib_async
