"""Patterns and contexts in words, for whoever reads a signal on a phone."""

from __future__ import annotations

from engine.model.market import Timeframe
from engine.signals.occurrences import ANY

_PATTERNS = {
    "break bos": "closed {beyond} the last swing {side}, with the structure (break of structure)",
    "break choch": "closed {beyond} the last swing {side}, against the structure (change of character)",
    "block_created": "the move {way} left an order block behind it",
    "block_mitigated": "price came back to a {kind} order block for the first time",
    "block_held": "a {kind} order block was traded into and held",
    "block_broken": "an order block in the way was traded through, {way}",
    "block_dead": "a broken order block was taken back, {way}",
    "gap_created": "a fair value gap opened on the way {way}",
    "gap_touched": "price came back to a {kind} fair value gap",
    "gap_filled": "a {kind} fair value gap was filled",
    "gap_inverted": "a fair value gap in the way was closed through, {way}",
    "gap_dead": "an inverted fair value gap was taken back, {way}",
    "pool_swept": "stops {behind} equal {turns} were taken, and price closed back inside",
    "pool_broken": "closed {beyond} equal {ends}",
    "level_held": "a level was reached from {from_} and held",
}
_UP = {
    "way": "up",
    "beyond": "above",
    "side": "high",
    "kind": "bullish",
    "behind": "below",
    "turns": "lows",
    "ends": "highs",
    "from_": "above",
}
_DOWN = {
    "way": "down",
    "beyond": "below",
    "side": "low",
    "kind": "bearish",
    "behind": "above",
    "turns": "highs",
    "ends": "lows",
    "from_": "below",
}


def pattern_words(pattern: str, direction: int) -> str:
    """ "stops below equal lows were taken, and price closed back inside" of a "pool_swept" that points up."""
    known = _PATTERNS.get(pattern)
    words = _UP if direction > 0 else _DOWN
    return known.format(**words) if known else f"{pattern.replace('_', ' ')} {words['way']}"


def context_words(context: str, timeframe: Timeframe) -> tuple[str, ...]:
    """ "the 5m trend goes with it" of "trending with"; nothing of what asks for nothing."""
    if context == ANY:
        return ()
    first, _, rest = context.partition(" ")
    if first == "trending":
        return (f"the {timeframe} trend goes {rest} it",)
    if first == "session":
        return ("in the regular hours" if rest == "RTH" else "outside the regular hours",)
    if first == "hours":
        return (f"between {rest.replace('-', ' and ', 1)}",)
    return (f"the {timeframe} market is {context}",)
