"""A picture of now, for who looks seldom."""

from __future__ import annotations

import asyncio

from engine.model.view import View
from engine.ports import EngineHandle

FRESH_S = 0.5
"""An engine that has drawn nothing by then is too busy: its last picture has to do."""
_LOOK_S = 0.02


async def fresh_view(handle: EngineHandle) -> View:
    """The next View, or the last one after half a second.

    The engine draws only when somebody has looked since the last, so the one at hand may be minutes old.
    """
    view = handle.view()
    stale = view.version
    try:
        async with asyncio.timeout(FRESH_S):
            while view.version == stale:
                await asyncio.sleep(_LOOK_S)
                view = handle.view()
    except TimeoutError:
        pass
    return view
