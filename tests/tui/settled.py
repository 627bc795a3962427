"""When an app in this process has done all that it was asked for.

Textual's pilot waits until the process uses no CPU for 20 ms: long on a quiet machine, and too short on a
busy one, where a process that is not run uses none either. The app's queues say it exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from textual.app import App
from textual.message_pump import MessagePump
from textual.screen import Screen

from tests.support.waits import until

_QUIET_TURNS = 8
"""Turns of the loop without anything waiting: a message may be on its way from one part to the next."""


async def settled(app: App[Any]) -> None:
    """Until no message waits, everything is laid out and painted, and what waited for that has run."""
    quiet = 0

    def still() -> bool:
        nonlocal quiet
        quiet = 0 if _busy(app) else quiet + 1
        return quiet >= _QUIET_TURNS

    await until(still)


def _busy(app: App[Any]) -> bool:
    if app._exit:
        return False
    waiting = app._resize_event is not None or any(_waits(node) for node in _nodes(app))
    return waiting or any(_unpainted(screen) for screen in app.screen_stack)


def _nodes(app: App[Any]) -> Iterator[MessagePump]:
    yield app
    for screen in app.screen_stack:
        yield from screen.walk_children(with_self=True)


def _waits(node: MessagePump) -> bool:
    return node.is_running and (node.message_queue_size > 0 or bool(node._next_callbacks))


def _unpainted(screen: Screen[Any]) -> bool:
    """Whether a screen owes anything; if so it is told to do it now and not with the next of 60 frames."""
    owed = bool(screen._layout_required or screen._callbacks)
    if screen is screen.app.screen:  # what is behind a dialog is painted with it
        owed = owed or bool(screen._repaint_required or screen._scroll_required or screen._dirty_widgets)
    if owed:
        screen._on_timer_update()
    return owed
