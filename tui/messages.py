"""Small messages between the parts of the screen."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from tui.command_line import TypedCommand
from tui.ticket import Prefill


@dataclass
class ActionAsked(Message):
    """Somebody chose an action: by key, by click or in the palette. `action_id` is of tui.actions."""

    action_id: str


@dataclass
class TicketAsked(Message):
    """An order is to be filled in, with what is known of it already."""

    prefill: Prefill


@dataclass
class PriceDragged(Message):
    """An order of ours was dragged to another price, in ticks: that is to be shown before it is sent."""

    client_id: str
    ticks: int


@dataclass
class FilterChanged(Message):
    """Other words for a pane's filter; `done` when it is not typed on."""

    pane: str
    words: str
    done: bool = False


@dataclass
class CommandTyped(Message):
    """A line was entered that means something; None: it was left."""

    asked: TypedCommand | None
