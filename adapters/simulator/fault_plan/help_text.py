"""What --list-faults prints: every fault with what it does, its options and an example."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from adapters.simulator.fault_plan.plan import WHEN, FaultKind, Option, Seam, written

_WIDTH = 100


def help_text(kinds_of: Mapping[str, FaultKind], head: str, occasions: Mapping[Seam, str]) -> str:
    """The whole text: what is said first, and what an occasion is at each seam."""
    parts = [head, "Every fault takes:\n" + _told(WHEN.items())]
    for seam, about in occasions.items():
        kinds = [found for found in kinds_of.values() if found.seam is seam]
        shared = _shared(kinds)
        parts.append(f"{about}\n{_told(shared.items(), defaults=False)}")
        parts += (_entry(found, shared) for found in kinds)
    return "\n".join(parts)


def _shared(kinds: Sequence[FaultKind]) -> dict[str, Option]:
    """Options that several kinds have alike, but for their defaults: they are explained once."""
    means = Counter((key, _meaning(o)) for found in kinds for key, o in _own(found))
    return {key: option for found in kinds for key, option in _own(found) if means[key, _meaning(option)] > 1}


def _own(found: FaultKind) -> list[tuple[str, Option]]:
    return [(key, option) for key, option in found.options.items() if WHEN.get(key) != option]


def _meaning(option: Option) -> tuple[str, tuple[str, ...]]:
    return option.about, option.choices


def _entry(found: FaultKind, shared: Mapping[str, Option]) -> str:
    own = _own(found)
    lines = [f"  {found.name}", _filled(found.about, 4)]
    if own:
        lines.append(_filled("takes " + ", ".join(f"{key}={_default(o)}" for key, o in own), 6))
    told = [(key, o) for key, o in own if shared.get(key) is None or _meaning(shared[key]) != _meaning(o)]
    return "\n".join(lines) + f"\n{_told(told, 8)}      example: --fault {found.example}\n"


def _told(options: Iterable[tuple[str, Option]], indent: int = 2, *, defaults: bool = True) -> str:
    return "".join(
        _filled(
            f"{key}{'=' + _default(option) if defaults else ''}: {option.about}"
            + (f" ({', '.join(filter(None, option.choices))})" if option.choices else ""),
            indent,
        )
        + "\n"
        for key, option in options
    )


def _default(option: Option) -> str:
    return written(option.default) or '""'


def _filled(text: str, indent: int) -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 2),
        break_on_hyphens=False,
    )
