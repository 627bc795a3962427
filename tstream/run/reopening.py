"""A cockpit that fails is opened anew at once: a flaw of the screen must not take away the keys that close
positions. The engine has its own thread, or its own process, and has not noticed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.app import TStreamApp

AGAIN_S = 60.0
"""Seconds within which a second failure means that opening it anew does not help."""


def run_app(
    make: Callable[[str], TStreamApp],
    failed: Callable[[Exception], None],
    clock: Callable[[], float] = time.monotonic,
) -> TStreamApp:
    """Run cockpits until one ends as it should, or has failed soon after another; gives the last one.

    `make` is told what people have to be told, empty for the first one. `failed` hears of every error.
    """
    note, before = "", float("-inf")
    while True:
        app = make(note)
        app.run()
        if app.crash is None:
            return app
        failed(app.crash)
        now = clock()
        if now - before < AGAIN_S:
            return app
        before = now
        note = "the cockpit failed and was opened anew: look what stands; what was being typed was not sent"
