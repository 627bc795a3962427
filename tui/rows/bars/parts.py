"""One-line bars whose parts give way in turn when the line is too narrow for all of them."""

from __future__ import annotations

from msgspec import Struct

from tui.styled_text import Row, fit, join, width_of


class Part(Struct, frozen=True):
    """One part of a bar in variants from long to short, each with the rank by which it is given up."""

    variants: tuple[tuple[int, Row], ...]
    right: bool = False


def squeeze(parts: list[Part], width: int, gap: str) -> Row:
    """Parts side by side in `width` cells: the variant of the highest rank gives way first, rank 0 never."""
    chosen = [0] * len(parts)

    def rows(right: bool) -> list[Row]:
        return [part.variants[chosen[i]][1] for i, part in enumerate(parts) if part.right is right]

    def needed() -> int:
        shown = [row for row in (*rows(False), *rows(True)) if row]
        return sum(map(width_of, shown)) + len(gap) * max(0, len(shown) - 1)

    while needed() > width:
        able = [i for i, part in enumerate(parts) if chosen[i] + 1 < len(part.variants)]
        if not able:
            break
        worst = max(able, key=lambda i: parts[i].variants[chosen[i]][0])
        if parts[worst].variants[chosen[worst]][0] == 0:
            break
        chosen[worst] += 1
    left = join(rows(False), (gap, "faint"))
    right = join(rows(True), (gap, "faint"))
    blank = width - width_of(left) - width_of(right)
    least = 1 if left and right else 0
    return fit((*left, (" " * max(least, blank), "text"), *right), width)
