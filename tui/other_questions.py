"""Questions of keys that do not trade: before the cockpit closes or is handed over, and of looser limits."""

from __future__ import annotations

from engine.model.orders import AccountKind, Slot
from engine.model.reload import LooseningView
from engine.model.view import View
from tui.confirmations import Confirmation, held_text
from tui.plain_text import plain

_HAND_OVER = (
    "this engine ends cleanly; one without a screen takes lock and journal, and this cockpit attaches to it",
    "nothing is watched for the seconds between: how long that was is printed",
)


def hand_over_confirmation(view: View) -> Confirmation:
    """What happens when the engine is handed over to a process of its own."""
    stays = quit_confirmation(view, "")
    lines = () if stays is None else tuple(line for line in stays.lines if line)
    return Confirmation("Hand over", (*_HAND_OVER, *lines), "hand over", view.mode is AccountKind.LIVE)


def quit_confirmation(view: View, note: str) -> Confirmation | None:
    """What stays at the venue when the cockpit closes; None when nothing does."""
    if not view.positions and not view.orders:
        return None
    if view.replay:
        return Confirmation("End the replay", ("what is held in it was never at a venue",), "end it")
    venue = [p for p in view.positions if p.kind is not AccountKind.PAPER]
    orders = [o for o in view.orders if o.kind is not AccountKind.PAPER]
    held = ", ".join(f"{plain(p.instrument)} {held_text(view, p)}" for p in venue)
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


_MOST_LIMITS = 12
"""So many are told one by one; the log and the journal have all of them."""


def loosening_confirmation(asked: LooseningView) -> Confirmation:
    """What the settings would loosen where money is at stake."""
    lines = [plain(one.words) for one in asked.loosened[:_MOST_LIMITS]]
    more = len(asked.loosened) - len(lines)
    lines += [f"and {more} more"] if more else []
    return Confirmation(
        "Loosen limits?",
        (*lines, "the settings say so; without a Yes they stay as they are"),
        "loosen",
        serious=True,
    )
