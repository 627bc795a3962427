"""The one registry of what a person can do: keys, key line, help and palette come from it."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Protocol

from msgspec import Struct

from engine.model.orders import AccountKind
from engine.model.playing import Advance
from engine.model.restrictions import RestrictionEnd
from engine.model.view import View
from tui import confirmations
from tui.books import meant_books, of_book
from tui.confirmations import TradingKey
from tui.plain_text import plain
from tui.things import HAS_CONTRACT, HELD, ThingKind
from tui.view_facts import contract_of, held_word, standing


class Danger(Enum):
    """What an action can do to money."""

    NONE = "looks only"
    GUARDED = "trades; asks first on a live account"
    CONFIRMED = "trades; always asks first"


class ActionTarget(Protocol):
    """What carries the actions out that only look; tui.action_runner fulfils it."""

    def step_contract(self, by: int) -> None: ...
    def step_book(self) -> None: ...
    def pick_book(self) -> None: ...
    def step_timeframe(self, by: int) -> None: ...
    def pick_contract(self) -> None: ...
    def show_row(self) -> None: ...
    def open_row(self) -> None: ...
    def open_ticket(self) -> None: ...
    def move_price(self, by: int) -> None: ...
    def trail(self) -> None: ...
    def add_target(self) -> None: ...
    def add_to_trade(self) -> None: ...
    def note_trade(self) -> None: ...
    def reverse(self) -> None: ...
    def copy_row(self) -> None: ...
    def show_detail(self) -> None: ...
    def focus_pane(self, name: str) -> None: ...
    def toggle_zoom(self) -> None: ...
    def toggle_swap(self) -> None: ...
    def show_log(self) -> None: ...

    def show_why(self) -> None: ...
    def hold_replay(self) -> None: ...
    def step_replay(self, by: Advance) -> None: ...
    def pace_replay(self, faster: bool) -> None: ...
    def seek_replay(self) -> None: ...
    def show_dashboard(self) -> None: ...
    def show_ladder(self) -> None: ...
    def show_tape(self) -> None: ...
    def show_journal(self) -> None: ...
    def try_alert(self) -> None: ...
    def filter_pane(self) -> None: ...
    def open_command_line(self) -> None: ...
    def step_log_level(self) -> None: ...
    def acknowledge_alerts(self) -> None: ...
    def show_help(self) -> None: ...
    def pick_theme(self) -> None: ...
    def show_equity(self) -> None: ...
    def toggle_crosshair(self) -> None: ...
    def pick_overlays(self) -> None: ...
    def step_second_chart(self) -> None: ...
    def resize_pane(self, rows: int) -> None: ...
    def next_layout(self) -> None: ...
    def pick_layout(self) -> None: ...
    def toggle_readonly(self) -> None: ...
    def hand_over(self) -> None: ...
    def ask_to_quit(self) -> None: ...


Look = Callable[[ActionTarget], None]
MakeTrade = Callable[[View, str, str, str | None], TradingKey]
"""Of the newest View, the shown contract, the command's id and the picked book; None for all."""


Hindrance = Callable[[View, str, str | None], str]
"""Of View, contract and picked book."""


class Action(Struct, frozen=True):
    """One thing that can be done. `label` may hold {contract}. It looks or trades, never both."""

    id: str
    keys: str
    label: str
    tooltip: str
    group: str
    look: Look | None = None
    trade: MakeTrade | None = None
    danger: Danger = Danger.NONE
    hint: int = 0
    """Place in the key line, 1 first; 0 is not shown there."""
    scoped: bool = False
    """Acts on the shown contract."""
    hindrance: Hindrance | None = None
    """Why it can't be done now, beyond what holds for all that trade."""
    several: bool = False
    """Means something only where there are several books."""
    replay: bool = False
    """Means something only while a recording is played."""
    rows: frozenset[ThingKind] = frozenset()
    """It can be done with rows that are about these: enter offers it there, the key line names it."""

    def meant(self, view: View) -> bool:
        """Whether there is anything here that it is for."""
        return (not self.several or len(view.books) > 1) and (not self.replay or bool(view.replay))


TRADING = "Trading"
"""The group of what trades, and of what leads to it."""

_TRADE, _LOOK, _PANES, _ROWS, _COCKPIT = TRADING, "Market", "Panes", "Rows", "Cockpit"
_REPLAY = "Replay"
_ALL = frozenset(ThingKind)
_BOOK = frozenset({ThingKind.BOOK})
_OVER = frozenset({ThingKind.TRADE})

PANES: dict[str, str] = {
    "chart": "1",
    "positions": "2",
    "orders": "3",
    "alignment": "4",
    "pnl": "5",
    "alerts": "6",
    "log": "7",
    "quotes": "8",
    "system": "9",
    "trades": "0",
    "books": "s",
    "patterns": "e",
    "opinion": "O",
}
"""Panes and their numbers."""

BY_KEY_ALONE = frozenset({"opinion"})
"""Panes that have no place beside the others on any screen: their key gives them the whole body."""

_TITLES = {"pnl": "P&L"}


def _no_position(view: View, instrument: str, book: str | None) -> str:
    where = f" of {plain(book)}" if book is not None else ""
    held = confirmations.holders(view, instrument, book)
    return "" if held else f"no open position in {plain(instrument)}{where}"


def _no_half(view: View, instrument: str, book: str | None) -> str:
    held = confirmations.holders(view, instrument, book)
    if len(held) > 1:
        return f"{', '.join(plain(p.book) for p in held)} hold it: pick a book"
    return _no_position(view, instrument, book)


def _no_target(view: View, instrument: str, book: str | None) -> str:
    held = confirmations.holders(view, instrument, book)
    nothing = _no_half(view, instrument, book)
    return nothing or ("" if held[0].targets else f"no target of {plain(instrument)} is known")


_ENDS = {
    "HALTED": "the halt key lifts it",
    "OFF": 'trading = "paper" in the settings tries it with play money',
    "LOCKED": "only time ends it",
}


def _locked(view: View, instrument: str, book: str | None) -> str:
    """Why a pause could neither be set nor lifted: something stricter holds until it ends, in every book that
    is meant."""
    meant = meant_books(view, book)
    words = [held_word(standing(of_book(view, one.book))) for one in meant]
    if not words or any(word not in _ENDS for word in words):
        return ""
    whole = view if book is None else of_book(view, book)
    at = standing(whole)
    word, first = held_word(at), at.causes[0]
    end = "only other settings end it" if word == "LOCKED" and first.end is RestrictionEnd.SETTINGS else ""
    why = plain(first.reason) or (first.code.sentence if first.code is not None else "no reason given")
    return f"{word.lower()}: {why}; {end or _ENDS[word]}"


def _trades(
    action_id: str, keys: str, label: str, tooltip: str, trade: MakeTrade, *,
    danger: Danger = Danger.CONFIRMED, hint: int = 0, scoped: bool = False,
    hindrance: Hindrance | None = None, rows: frozenset[ThingKind] = frozenset(),
) -> Action:  # fmt: skip
    return Action(action_id, keys, label, tooltip, _TRADE, None, trade, danger, hint, scoped, hindrance,
                  rows=rows)  # fmt: skip


def _focuses(name: str, key: str) -> Action:
    title = _TITLES.get(name, name)
    return Action(f"focus-{name}", key, title, "Go to this pane", _PANES, lambda on: on.focus_pane(name),
                  several=name == "books")  # fmt: skip


ACTIONS: dict[str, Action] = {
    a.id: a
    for a in (
        _trades("flatten", "f", "flatten {contract}",
                "Close the position, cancel all orders of this contract",
                confirmations.flatten, hint=1, scoped=True, rows=HELD),
        _trades("flatten-all", "F", "flatten all", "Close every position and cancel every order",
                confirmations.flatten_all, hint=2, rows=_BOOK),
        _trades("pause", "p", "pause", "No new entries anywhere, or allow them again",
                confirmations.pause, danger=Danger.GUARDED, hint=3, hindrance=_locked, rows=_BOOK),
        _trades("pause-contract", "P", "pause {contract}", "No new entries in this contract, or allow them",
                confirmations.pause_contract, danger=Danger.GUARDED, scoped=True, rows=HELD),
        _trades("halt", "exclamation_mark", "halt", "No entries until this key or resume --halted lifts it",
                confirmations.halt, rows=_BOOK),
        _trades("cancel-entries", "x", "cancel entries", "Cancel resting entries here; stops stay",
                confirmations.cancel_entries, hint=9, scoped=True, rows=HELD),
        _trades("cancel-all-entries", "X", "cancel all entries",
                "Cancel resting entries anywhere; stops stay", confirmations.cancel_all_entries, rows=_BOOK),
        _trades("break-even", "b", "break-even", "Move the stop to where costs and slippage are paid",
                confirmations.break_even, hint=8, scoped=True, hindrance=_no_position, rows=HELD),
        _trades("close-half", "C", "close half {contract}", "Close half at market; the rest keeps its stops",
                confirmations.close_half, scoped=True, hindrance=_no_half, rows=HELD),
        _trades("close-one", "", "close one {contract}", "Close one lot at market; the rest keeps its stops",
                confirmations.close_one, scoped=True, hindrance=_no_half, rows=HELD),
        _trades("drop-target", "", "drop target {contract}", "Take its farthest target off",
                confirmations.drop_target, scoped=True, hindrance=_no_target, rows=HELD),
        Action("ticket", "o", "order", "Fill in an order: side, entry, quantity, stop, targets", _TRADE,
               lambda on: on.open_ticket(), hint=7, scoped=True, rows=HAS_CONTRACT),
        Action("reverse", "R", "reverse {contract}", "Close it and, once proven, enter the other side",
               _TRADE, lambda on: on.reverse(), scoped=True, rows=HELD),
        Action("price-down", "left_square_bracket", "move down", "Stop, target or entry: a tick down, { ten",
               _TRADE, lambda on: on.move_price(-1), scoped=True, rows=HELD),
        Action("price-up", "right_square_bracket", "move up", "Stop, target or entry: a tick up, } ten",
               _TRADE, lambda on: on.move_price(1), scoped=True, rows=HELD),
        Action("price-down-ten", "left_curly_bracket", "move down ten", "Stop, target, entry: ten ticks down",
               _TRADE, lambda on: on.move_price(-10), scoped=True),
        Action("price-up-ten", "right_curly_bracket", "move up ten", "Stop, target or entry: ten ticks up",
               _TRADE, lambda on: on.move_price(10), scoped=True),
        Action("trail", "u", "trail {contract}", "Its stop follows the price at a distance", _TRADE,
               lambda on: on.trail(), scoped=True, rows=HELD),
        Action("add-target", "", "add target {contract}", "One more target, for a part of it", _TRADE,
               lambda on: on.add_target(), scoped=True, rows=HELD),
        Action("add-to-trade", "", "add to {contract}", "More of the trade, under its stop", _TRADE,
               lambda on: on.add_to_trade(), scoped=True, rows=HELD),
        Action("next-contract", "n", "contract", "Show the next contract", _LOOK,
               lambda on: on.step_contract(1), hint=6),
        Action("previous-contract", "N", "previous contract", "Show the previous contract", _LOOK,
               lambda on: on.step_contract(-1)),
        Action("pick-contract", "c", "pick contract", "Choose from a list", _LOOK,
               lambda on: on.pick_contract(), hint=13),
        Action("next-book", "B", "book", "The next book that commands mean: all, the first, the second …",
               _LOOK, lambda on: on.step_book(), hint=4, several=True),
        Action("pick-book", "w", "which book", "Choose the book that commands mean from a list", _LOOK,
               lambda on: on.pick_book(), several=True),
        Action("next-timeframe", "t", "timeframe", "Chart of the next longer timeframe", _LOOK,
               lambda on: on.step_timeframe(1), hint=7),
        Action("previous-timeframe", "T", "previous timeframe", "Chart of the next shorter timeframe", _LOOK,
               lambda on: on.step_timeframe(-1)),
        Action("detail", "d", "detail", "Everything about this contract", _LOOK,
               lambda on: on.show_detail(), hint=14, rows=HAS_CONTRACT),
        Action("why", "i", "why", "Why signals in this contract were traded or not, fact by fact", _LOOK,
               lambda on: on.show_why(), rows=HAS_CONTRACT),
        Action("dashboard", "D", "dashboard", "Thirty days, risk, last alerts and health on one page", _LOOK,
               lambda on: on.show_dashboard()),
        Action("journal", "J", "journal", "Trades that are over: notes, figures, a calendar, files of them",
               _LOOK, lambda on: on.show_journal()),
        Action("try-alert", "M", "try an alert", "How a room would read a text, and what would come of it",
               _LOOK, lambda on: on.try_alert()),
        *(Action(f"replay-{name}", key, label, tooltip, _REPLAY, look, hint=hint, replay=True)
          for name, key, label, tooltip, hint, look in (
            ("hold", "space", "play/hold", "Let the time of the replay stand still, or go on", 2,
             lambda on: on.hold_replay()),
            ("print", "full_stop", "next print", "On to the next trade of the market, and stand still there",
             4, lambda on: on.step_replay(Advance.PRINT)),
            ("bar", "comma", "next bar", "On to the next close of a bar of the shown chart", 4,
             lambda on: on.step_replay(Advance.BAR)),
            ("slower", "less_than_sign", "slower", "Half as fast, or so", 0,
             lambda on: on.pace_replay(False)),
            ("faster", "greater_than_sign", "faster", "Twice as fast, or so", 5,
             lambda on: on.pace_replay(True)),
            ("seek", "at", "go to", "On or back to a time; back plays it anew up to there", 5,
             lambda on: on.seek_replay()),
          )),
        Action("ladder", "L", "ladder", "Order book, own orders in it, one-key entries once armed", _LOOK,
               lambda on: on.show_ladder()),
        Action("tape", "S", "time and sales", "Prints with their size and side, delta of each bar", _LOOK,
               lambda on: on.show_tape()),
        Action("equity", "E", "equity", "Total P&L by time: day, week, all, with high and low", _LOOK,
               lambda on: on.show_equity()),
        Action("crosshair", "m", "crosshair", "One bar of the chart in numbers; ← → or h l to others", _LOOK,
               lambda on: on.toggle_crosshair()),
        Action("overlays", "V", "overlays", "What charts show over their candles, one letter each", _LOOK,
               lambda on: on.pick_overlays()),
        *(_focuses(name, key) for name, key in PANES.items()),
        Action("row", "enter", "open", "What can be done with the row under the cursor", _ROWS,
               lambda on: on.open_row(), rows=_ALL),
        Action("show-row", "h", "show", "Show the contract of the row; of a book's pick that book", _ROWS,
               lambda on: on.show_row(), rows=HAS_CONTRACT | _BOOK),
        Action("note", "", "note", "Say something of a trade that is over, #words are tags", _ROWS,
               lambda on: on.note_trade(), rows=_OVER),
        Action("copy-row", "y", "copy", "Copy the row under the cursor as text", _ROWS,
               lambda on: on.copy_row(), rows=_ALL),
        Action("filter", "slash", "filter", "Show only rows of the focused pane with some words", _ROWS,
               lambda on: on.filter_pane(), rows=_ALL),
        Action("zoom", "z", "zoom", "The whole screen for one pane, and back", _PANES,
               lambda on: on.toggle_zoom(), hint=11),
        Action("swap", "a", "swap chart/alignment", "On small screens, one or the other", _PANES,
               lambda on: on.toggle_swap(), hint=10),
        Action("second-chart", "vertical_line", "second chart",
               "Beside the first: another timeframe, another contract, none", _PANES,
               lambda on: on.step_second_chart()),
        Action("taller", "equals_sign", "taller pane", "The focused pane gets a row of its neighbour", _PANES,
               lambda on: on.resize_pane(1)),
        Action("smaller", "minus", "smaller pane", "The focused pane gives a row to its neighbour", _PANES,
               lambda on: on.resize_pane(-1)),
        Action("next-layout", "underscore", "next layout", "Charts on top, layouts of your own", _PANES,
               lambda on: on.next_layout()),
        Action("layouts", "ctrl+l", "layouts", "Choose a layout, keep this one under a name", _PANES,
               lambda on: on.pick_layout()),
        Action("full-log", "l", "log", "The whole log on a page of its own", _PANES,
               lambda on: on.show_log(), hint=12),
        Action("log-level", "v", "log level", "Least level of the log lines shown; in the alerts: which kind",
               _PANES, lambda on: on.step_log_level()),
        Action("acknowledge", "A", "acknowledge", "Mark all alerts as seen", _PANES,
               lambda on: on.acknowledge_alerts(), hint=5, rows=frozenset({ThingKind.ALERT})),
        Action("command-line", "colon", "command", "Any action or command by its name", _COCKPIT,
               lambda on: on.open_command_line(), hint=17),
        Action("help", "question_mark", "help", "All keys and what they do", _COCKPIT,
               lambda on: on.show_help(), hint=15),
        Action("theme", "ctrl+t", "theme", "Other colours, seen while they are chosen", _COCKPIT,
               lambda on: on.pick_theme()),
        Action("readonly", "r", "read-only", "Switch the keys that trade off or on", _COCKPIT,
               lambda on: on.toggle_readonly()),
        Action("hand-over", "H", "hand over", "The engine goes on without a screen, this cockpit attaches",
               _COCKPIT, lambda on: on.hand_over()),
        Action("quit", "q", "quit", "Leave the cockpit", _COCKPIT, lambda on: on.ask_to_quit(), hint=16),
    )
}  # fmt: skip
"""All actions by id, in the order of help and palette."""


def label_of(action: Action, instrument: str, book: str = "") -> str:
    """The action's name for the contract that it means, and for a row's book where that has to be said."""
    label = action.label.format(contract=plain(instrument) or "contract")
    return f"{label} {plain(book)}" if book and action.trade is not None else label


def blocked(action: Action, view: View, instrument: str, readonly: bool, book: str | None = None) -> str:
    """Why the action can't be done now; empty when it can. `book` is the picked one, None for all."""
    if action.several and len(view.books) < 2:
        return "there are not several books"
    if action.replay and not view.replay:
        return "this is no replay"
    if action.danger is Danger.NONE:
        return ""
    if readonly:
        return "this cockpit is read-only"
    if view.health.stopped:
        return f"the engine is down: {plain(view.health.detail) or 'no reason given'}"
    if action.scoped and contract_of(view, instrument) is None:
        return "no contract is known yet"
    if book is not None and not meant_books(view, book):
        return f"the book {plain(book)} is not here; pick another"
    return action.hindrance(view, instrument, book) if action.hindrance is not None else ""


def asks_first(action: Action, view: View) -> bool:
    """Whether the action takes two steps."""
    return action.danger is Danger.CONFIRMED or (
        action.danger is Danger.GUARDED and view.mode is AccountKind.LIVE
    )
