"""What the keys that trade will do: in words before, as Commands after the second step."""

from __future__ import annotations

from msgspec import Struct

from engine.model.commands import AnyCommand, BreakEven, CancelEntries, Flatten, Halt, Pause, Resume
from engine.model.market import Side
from engine.model.orders import AccountKind, Slot
from engine.model.view import OrderView, PositionView, TradingState, View
from tui import number_format as figures
from tui.plain_text import plain
from tui.screen_state import contract_of, standing


class Question(Struct, frozen=True):
    """What a dialog asks: the title says what, the lines say what exactly will happen."""

    title: str
    lines: tuple[str, ...]
    yes: str
    serious: bool = False
    """Real money is at stake."""


_HALT_LINES = (
    "no new entries anywhere, resting entries are cancelled",
    "exits and stops stay; limits go on being watched",
    "a resume does not lift it: only the halt key does, and a restart does not",
)


def _all(view: View) -> bool:
    return standing(view, "").state is TradingState.ACTIVE


def _halted(view: View) -> bool:
    return standing(view, "").state is TradingState.HALTED


def resumes(action_id: str, view: View, instrument: str) -> bool:
    """Whether a pause key would lift a pause rather than set one."""
    if action_id == "pause":
        return not _all(view)
    contract = contract_of(view, instrument)
    return contract is not None and contract.state is not TradingState.ACTIVE


def command_of(action_id: str, view: View, instrument: str, command_id: str) -> tuple[AnyCommand, str]:
    """The command of an action, and what to call it. Raises KeyError for an action that is no command."""
    here, name = instrument, plain(instrument)
    match action_id:
        case "flatten":
            return Flatten(id=command_id, instrument=here), f"flatten {name}"
        case "flatten-all":
            return Flatten(id=command_id), "flatten everything"
        case "cancel-entries":
            return CancelEntries(id=command_id, instrument=here), f"cancel entries {name}"
        case "cancel-all-entries":
            return CancelEntries(id=command_id), "cancel all entries"
        case "break-even":
            return BreakEven(id=command_id, instrument=here), f"break-even {name}"
        case "halt":
            if _halted(view):
                return Resume(id=command_id, halted=True), "lift the halt"
            return Halt(id=command_id), "halt"
        case "pause" | "pause-contract":
            scope = None if action_id == "pause" else here
            where = "" if scope is None else f" {name}"
            if resumes(action_id, view, instrument):
                return Resume(id=command_id, instrument=scope), f"resume{where}"
            return Pause(id=command_id, instrument=scope), f"pause{where}"
    raise KeyError(action_id)


def _orders(count: int) -> str:
    return "1 order" if count == 1 else f"{count} orders"


def _closing(position: PositionView) -> str:
    side = Side.SELL if position.qty > 0 else Side.BUY
    return f"{side.value} {abs(position.qty)} at market"


def _where(view: View, book: str) -> str:
    """The book's name where there are several."""
    return f" ({plain(book)})" if len(view.books) > 1 else ""


def _flatten_lines(view: View, instrument: str | None) -> tuple[str, ...]:
    def wanted(item: PositionView | OrderView) -> bool:
        return instrument is None or item.instrument == instrument

    scopes = sorted(
        {(p.book, p.instrument) for p in view.positions if wanted(p)}
        | {(o.book, o.instrument) for o in view.orders if wanted(o)}
    )
    lines = []
    for book, symbol in scopes:
        deeds = [_closing(p) for p in view.positions if (p.book, p.instrument) == (book, symbol)]
        count = sum((o.book, o.instrument) == (book, symbol) for o in view.orders)
        if count:
            deeds.append(f"cancel {_orders(count)}")
        lines.append(f"{plain(symbol)}{_where(view, book)}: {', '.join(deeds)}")
    if not lines:
        lines.append("no position and no order is known; the venue is asked all the same")
    lines.append("entries stay paused " + ("everywhere" if instrument is None else f"in {plain(instrument)}"))
    return tuple(lines)


def _entries_lines(view: View, instrument: str | None) -> tuple[str, ...]:
    entries = [
        o for o in view.orders if o.slot is Slot.ENTRY and (instrument is None or o.instrument == instrument)
    ]
    lines = [
        f"{plain(o.instrument)}{_where(view, o.book)}: cancel {o.side.value} {o.qty} "
        f"at {figures.price(o.price, _digits(view, o.instrument))}"
        for o in entries
    ]
    return (
        *(lines or ["no resting entry is known; the venue is asked all the same"]),
        "exits and stops stay",
    )


def _digits(view: View, instrument: str) -> int:
    contract = contract_of(view, instrument)
    return 2 if contract is None else contract.decimals


def _break_even_lines(view: View, instrument: str) -> tuple[str, ...]:
    digits = _digits(view, instrument)
    return tuple(
        f"{plain(p.instrument)}{_where(view, p.book)} {figures.signed(p.qty, 0)}: stop "
        f"{figures.price(p.stop, digits)} to the entry {figures.price(p.entry, digits)}, if the market allows"
        for p in view.positions
        if p.instrument == instrument
    )


def question_of(action_id: str, view: View, instrument: str) -> Question:
    """What will happen, from the newest View. Raises KeyError for an action that is no command."""
    serious, name = view.mode is AccountKind.LIVE, plain(instrument)
    match action_id:
        case "flatten":
            return Question(f"Flatten {name}", _flatten_lines(view, instrument), "flatten", serious)
        case "flatten-all":
            return Question("Flatten everything", _flatten_lines(view, None), "flatten everything", serious)
        case "cancel-entries":
            return Question(f"Cancel entries of {name}", _entries_lines(view, instrument), "cancel", serious)
        case "cancel-all-entries":
            return Question("Cancel all entries", _entries_lines(view, None), "cancel all", serious)
        case "break-even":
            return Question(
                f"Stop to break-even in {name}", _break_even_lines(view, instrument), "move", serious
            )
        case "halt":
            if _halted(view):
                return Question(
                    "Lift the halt", ("new entries are allowed again everywhere",), "lift", serious
                )
            return Question("Halt everything", _HALT_LINES, "halt", serious)
        case "pause" | "pause-contract":
            where = "everywhere" if action_id == "pause" else f"in {name}"
            if resumes(action_id, view, instrument):
                return Question("Resume", (f"new entries are allowed again {where}",), "resume", serious)
            stops = (f"no new entries {where}", "resting entries are cancelled", "exits and stops stay")
            return Question("Pause", stops, "pause", serious)
    raise KeyError(action_id)


def leaving(view: View, note: str) -> Question | None:
    """What stays at the venue when the cockpit closes; None when nothing does."""
    if not view.positions and not view.orders:
        return None
    venue = [p for p in view.positions if p.kind is not AccountKind.PAPER]
    orders = [o for o in view.orders if o.kind is not AccountKind.PAPER]
    held = ", ".join(f"{plain(p.instrument)} {figures.signed(p.qty, 0)}" for p in venue)
    count = len(venue)
    protective = sum(o.slot is not Slot.ENTRY for o in orders)
    entries = len(orders) - protective
    lines = []
    if count:
        lines.append(f"{count} position{'s' * (count != 1)} ({held}) stay{'s' * (count == 1)} at the venue")
    if protective:
        lines.append(f"{protective} protective order{'s' * (protective != 1)} stay with the venue")
    bare = [p for p in venue if p.protected_qty < abs(p.qty)]
    if bare:
        lines.append("WITHOUT a full stop: " + ", ".join(plain(p.instrument) for p in bare))
    if entries:
        lines.append(f"{entries} resting entr{'y' if entries == 1 else 'ies'} can still fill")
    if len(venue) + len(orders) < len(view.positions) + len(view.orders):
        lines.append("the paper book sleeps: its stops and targets work again with the next start")
    lines.append(note)
    return Question("Quit", tuple(lines), "quit", view.mode is AccountKind.LIVE)
