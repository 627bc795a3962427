"""Which journal a run writes: one for all its venues, and always the one that its books are in.

A venue alone has the journal in its own folder. When a second one joins it in a run, its books go into that
journal too, and a note in its folder says so: whatever runs take later, they find the history there. Venues
that have a journal each can't run together, as one of them would begin without its history.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from adapters.common.files import replace_file
from tstream.errors import UsageError
from tstream.options import RunOptions
from tstream.paths import Paths

TAPE = "tape"
"""A tape begins with fresh books, so it gets a journal of its own, begun anew."""


def journal_name(paths: Paths, venues: Sequence[str], options: RunOptions) -> str:
    """In which venue's folder the journal of a run lies; its lock has that name too.

    Raises UsageError where the venues' books are in different journals.
    """
    if options.tape is not None:
        return TAPE
    kept = {venue: name for venue in venues if (name := _kept_in(paths, venue))}
    homes = list(dict.fromkeys(kept.values()))
    if len(homes) > 1:
        raise UsageError(
            f"{' and '.join(kept)} have journals of their own, and a run writes one:",
            *(f"{name}: {paths.journal(name)}" for name in homes),
            "run one of them alone (--venue NAME), or move the journal away that may begin anew",
        )
    return homes[0] if homes else venues[0]


def join(paths: Paths, name: str, venues: Sequence[str]) -> None:
    """Note for each venue that its books are in this journal. Raises OSError. Its lock is held."""
    for venue in venues if name != TAPE else ():
        if venue != name and _kept_in(paths, venue) != name:
            folder = paths.venue(venue)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(folder / _NOTE, f"{name}\n".encode())


_NOTE = "journal-is-with"


def _kept_in(paths: Paths, venue: str) -> str:
    """Where a venue's books are; empty where it has none yet."""
    with suppress(FileNotFoundError):
        noted = (paths.venue(venue) / _NOTE).read_text(encoding="utf-8").strip()
        if noted and paths.journal(noted).exists():
            return noted
    return venue if paths.journal(venue).exists() else ""
