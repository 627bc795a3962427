"""Order books and tapes as attached clients get them: of what each looks at, and of that the newest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from msgspec.structs import replace

from adapters.control.attach_protocol import MOST_CHARTS, DepthSent, Looking, TapeSent, frame
from adapters.control.shared_pictures import ChartKey
from engine.model.depth import TAPE_PRINTS, DepthView, TapeView
from engine.ports import EngineHandle

K = TypeVar("K", str, ChartKey)


class LookedAt:
    """The engine's side, of one client: what it has of each book and tape that it looks at."""

    def __init__(self) -> None:
        self._depths: dict[str, DepthView | None] = {}
        self._tapes: dict[ChartKey, TapeView | None] = {}

    def look(self, said: Looking) -> None:
        self._depths = {key: self._depths.get(key) for key in said.depths[:MOST_CHARTS]}
        self._tapes = {key: self._tapes.get(key) for key in said.tapes[:MOST_CHARTS]}

    def news(self, engine: EngineHandle) -> Iterator[bytes]:
        """The frames that take the client to what is now."""
        for symbol, sent in self._depths.items():
            depth = engine.depth(symbol)
            if depth is not None and depth is not sent:
                self._depths[symbol] = depth
                yield frame(DepthSent(depth))
        for key, known in self._tapes.items():
            tape = engine.tape(*key)
            if tape is not None and tape is not known:
                self._tapes[key] = tape
                yield frame(tape_sent(known, tape))


def tape_sent(known: TapeView | None, tape: TapeView) -> TapeSent:
    """What takes a client from the tape it has to the newest: the prints that it lacks, or all of them where
    these don't go on where it ended.
    """
    newest = known.prints[-1].seq if known is not None and known.prints else 0
    first, last = (tape.prints[0].seq, tape.prints[-1].seq) if tape.prints else (0, -1)
    if not newest or not first - 1 <= newest <= last:
        return TapeSent(tape, anew=True)
    return TapeSent(replace(tape, prints=tuple(one for one in tape.prints if one.seq > newest)))


def joined(known: TapeView | None, told: TapeSent) -> TapeView:
    """The tape that a message makes of the one before it."""
    if told.anew or known is None:
        return told.tape
    return replace(told.tape, prints=(*known.prints, *told.tape.prints)[-TAPE_PRINTS:])


def asked_since(since: float, asked: dict[K, float], before: tuple[K, ...]) -> tuple[K, ...]:
    """What was asked for since a time, the newest of too much; as `before` where it is the same. What was
    asked for earlier is forgotten.
    """
    for key, at in tuple(asked.items()):
        if at <= since:
            del asked[key]
    newest = sorted(asked.items(), key=lambda one: one[1])[-MOST_CHARTS:]
    found = tuple(key for key, _ in newest)
    return before if set(found) == set(before) else found
