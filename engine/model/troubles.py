"""What each kind of alarm means, what tstream does about it, and what a person can do: the same on the screen
and in docs/safety.md#when-an-alarm-is-raised.
"""

from __future__ import annotations

from msgspec import Struct


class AlarmWords(Struct, frozen=True):
    """One kind of alarm in words, without an end mark."""

    means: str
    does: str
    you: str


TROUBLES: dict[str, AlarmWords] = {
    "naked": AlarmWords(
        "Something is held that no working stop covers, or not all of it",
        "places the stop again; what is still bare after two seconds is closed at market",
        "Look at Positions; flatten it if you don't want to wait",
    ),
    "flatten": AlarmWords(
        "Positions are being closed, and the venue has not yet said that nothing is left",
        "cancels, closes, asks the venue, and repeats that until it is proven",
        "Nothing; if it names what holds it up, look at the venue's own platform",
    ),
    "blocked": AlarmWords(
        "The venue says that this account may not trade",
        "enters nothing there; cancels and closes are tried all the same",
        "Ask the venue or the firm why",
    ),
    "journal": AlarmWords(
        "What is decided can't be written down: mostly a full disk",
        "enters nothing; what protects goes on and is kept in the emergency file",
        "Make room on the disk, or mend its folder",
    ),
    "link": AlarmWords(
        "A connection to the venue or a room does not work, or is silent",
        "connects again with pauses of at most half a minute; stops stay at the venue, entries wait",
        "Look at the network if it stays; 9 shows every connection with its reason",
    ),
    "lookup": AlarmWords(
        "The venue does not say what stands there",
        "asks again; nothing is taken for flat, and nothing is sent twice",
        "Nothing; if it stays, look at the venue's own platform",
    ),
    "order": AlarmWords(
        "Nobody answered whether an order stands",
        "looks it up, and never sends it again unseen",
        "Nothing; if it stays, look at the venue's own platform",
    ),
    "brackets": AlarmWords(
        "The venue takes no native brackets for this account",
        "keeps stops and targets as orders of its own, and pairs them itself",
        "Keep tstream running while something is held: without it a target that fills leaves its stop",
    ),
    "paused": AlarmWords(
        "Entries are held back in a book or a contract",
        "enters nothing there; exits and stops stay",
        "Read why; p or P resumes what was paused, ! lifts a halt, a lock ends by itself",
    ),
    "limits": AlarmWords(
        "Most of a loss limit is used up",
        "enters less or nothing, and closes everything where the limit acts",
        "Trade smaller, or stop for the day",
    ),
    "clock": AlarmWords(
        "The venue's clock and this machine's are apart",
        "goes on; from a minute on it enters nothing",
        "Switch on the machine's time synchronisation",
    ),
    "late": AlarmWords(
        "Prices of one venue come late while another's do not",
        "goes on: what is decided on them is decided late",
        "Look at the connection to that venue",
    ),
    "watch": AlarmWords(
        "What the settings have watched has gone beyond what they say",
        "tells it, and nothing follows from it by itself",
        "Read what it is; [watch] in the settings says from when on it is told",
    ),
}
"""By the first word of the alarm's name."""


def trouble_of(alarm: str) -> AlarmWords | None:
    """What an alarm means; None of one that says everything itself."""
    return TROUBLES.get(alarm.partition(" ")[0])
