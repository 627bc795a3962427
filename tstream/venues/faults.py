"""Whether a practice venue can misbehave as it is asked to."""

from __future__ import annotations

from collections.abc import Sequence

from tstream.errors import UsageError
from tstream.venues import known
from tstream.venues.kind import Practice


def check_faults(texts: Sequence[str], kinds: Sequence[str] = ()) -> None:
    """The practice venues of some kinds, or of any, can misbehave like this. Raises UsageError with one line
    for each fault that none of them has.
    """
    wanted = kinds or known.with_practice()
    venues = [practice for name in wanted if (practice := known.kind(name).practice) is not None]
    wrong = []
    for text in texts:
        said = [_against(venue, text) for venue in venues]
        if all(said):
            wrong.append(f"--fault {text}: {said[0]}")
    if wrong:
        more = "" if len(wanted) > 1 or wanted[0] == "practice" else f" --venue {wanted[0]}"
        raise UsageError(*wrong, f"tstream simulate{more} --list-faults says what there is")


def _against(venue: Practice, text: str) -> str:
    """What is wrong with a fault at a practice venue; empty where nothing is."""
    try:
        venue.check_fault(text)
    except ValueError as error:
        return str(error) or "it can't be"
    return ""
