"""What the keys that trade do: in words before, as Commands after the second step."""

from __future__ import annotations

from msgspec import Struct

from engine.model.commands import AnyCommand, BreakEven, CancelEntries, Flatten, Halt, Pause, Resume
from engine.model.market import Side
from engine.model.orders import AccountKind, Slot
from engine.model.restrictions import TradingState
from engine.model.view import OrderView, PositionView, View
from tui import number_format as figures
from tui.plain_text import plain
from tui.view_facts import contract_of, standing


class Confirmation(Struct, frozen=True):
    """What a dialog asks: the title says what, the lines say what exactly will happen."""

    title: str
    lines: tuple[str, ...]
    yes: str
    serious: bool = False
    """Real money is at stake."""


class Trade(Struct, frozen=True):
    """What a key that trades does as things are: the command, its name on the screen, what is asked first."""

    command: AnyCommand
    label: str
    confirmation: Confirmation


_HALT_LINES = (
    "no new entries anywhere, resting entries are cancelled",
    "exits and stops stay; limits go on being watched",
    "a resume does not lift it, and a restart does not: only the halt key or tstream resume --halted does",
)


def resumes_all(view: View) -> bool:
    """Whether the key that pauses everything would lift a pause rather than set one."""
    return standing(view).word == "PAUSED"


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
        steps = [_closing(p) for p in view.positions if (p.book, p.instrument) == (book, symbol)]
        count = sum((o.book, o.instrument) == (book, symbol) for o in view.orders)
        if count:
            steps.append(f"cancel {_orders(count)}")
        lines.append(f"{plain(symbol)}{_where(view, book)}: {', '.join(steps)}")
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


def _trade(
    view: View, command: AnyCommand, label: str, title: str, lines: tuple[str, ...], yes: str
) -> Trade:
    real = view.mode is AccountKind.LIVE
    return Trade(command, label, Confirmation(title, lines, yes, real))


# One function for each key that trades, of the newest View, the shown contract and the command's id.


def flatten(view: View, instrument: str, command_id: str) -> Trade:
    command, name = Flatten(id=command_id, instrument=instrument), plain(instrument)
    lines = _flatten_lines(view, instrument)
    return _trade(view, command, f"flatten {name}", f"Flatten {name}", lines, "flatten")


def flatten_all(view: View, instrument: str, command_id: str) -> Trade:
    label, lines = "flatten everything", _flatten_lines(view, None)
    return _trade(view, Flatten(id=command_id), label, "Flatten everything", lines, label)


def cancel_entries(view: View, instrument: str, command_id: str) -> Trade:
    command, name = CancelEntries(id=command_id, instrument=instrument), plain(instrument)
    lines = _entries_lines(view, instrument)
    return _trade(view, command, f"cancel entries {name}", f"Cancel entries of {name}", lines, "cancel")


def cancel_all_entries(view: View, instrument: str, command_id: str) -> Trade:
    command, lines = CancelEntries(id=command_id), _entries_lines(view, None)
    return _trade(view, command, "cancel all entries", "Cancel all entries", lines, "cancel all")


def break_even(view: View, instrument: str, command_id: str) -> Trade:
    command, name = BreakEven(id=command_id, instrument=instrument), plain(instrument)
    lines = _break_even_lines(view, instrument)
    return _trade(view, command, f"break-even {name}", f"Stop to break-even in {name}", lines, "move")


def halt(view: View, instrument: str, command_id: str) -> Trade:
    """Or lift the halt that there is."""
    if standing(view).word == "HALTED":
        command, lines = Resume(id=command_id, halted=True), ("new entries are allowed again everywhere",)
        return _trade(view, command, "lift the halt", "Lift the halt", lines, "lift")
    return _trade(view, Halt(id=command_id), "halt", "Halt everything", _HALT_LINES, "halt")


def pause(view: View, instrument: str, command_id: str) -> Trade:
    """Or lift the pause of everything."""
    return _pause(view, None, resumes_all(view), command_id)


def pause_contract(view: View, instrument: str, command_id: str) -> Trade:
    """Or lift the pause of the contract."""
    contract = contract_of(view, instrument)
    resumes = contract is not None and contract.state is not TradingState.ACTIVE
    return _pause(view, instrument, resumes, command_id)


def _pause(view: View, instrument: str | None, resumes: bool, command_id: str) -> Trade:
    name = "" if instrument is None else f" {plain(instrument)}"
    where = f"in{name}" if name else "everywhere"
    if resumes:
        resume = Resume(id=command_id, instrument=instrument)
        lines: tuple[str, ...] = (f"new entries are allowed again {where}",)
        return _trade(view, resume, f"resume{name}", "Resume", lines, "resume")
    lines = (f"no new entries {where}", "resting entries are cancelled", "exits and stops stay")
    return _trade(view, Pause(id=command_id, instrument=instrument), f"pause{name}", "Pause", lines, "pause")


def quit_confirmation(view: View, note: str) -> Confirmation | None:
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
    return Confirmation("Quit", tuple(lines), "quit", view.mode is AccountKind.LIVE)
