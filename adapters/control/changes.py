"""What differs between two pictures, as plain values: what is sent instead of the whole.

A patch says how one value becomes another: a map goes into a map (by key) or a list (by index) and holds
patches; `[value]` puts another value there, `[]` takes a key away, `[first, count, values]` makes a list of a
part of the old one and new values behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Patch = dict[Any, Any] | list[Any]

RESTLESS = frozenset(
    {
        "age_ns", "exchange_clock", "inbox", "prints", "ts", "uptime_ns", "used", "version", "wait_p99_ms",
    }
)  # fmt: skip
"""What goes on changing while nothing happens."""


_NEAR = 3
"""A list of the same length has moved on by fewer than so many values, or is another."""


def difference(old: Any, new: Any) -> Patch:
    """The patch that makes `new` of `old`, which differ. Both are of maps, lists and plain values."""
    if type(old) is dict and type(new) is dict:
        patch: dict[Any, Any] = {
            key: difference(old[key], value) if key in old else [value]
            for key, value in new.items()
            if key not in old or ((was := old[key]) is not value and was != value)
        }
        patch.update((key, []) for key in old.keys() - new.keys())
        return patch
    if isinstance(old, (list, tuple)) and isinstance(new, (list, tuple)):
        return _of_lists(old, new)
    return [new]


def _of_lists(old: Sequence[Any], new: Sequence[Any]) -> Patch:
    if len(old) == len(new):
        changed = [i for i, value in enumerate(new) if old[i] != value]
        if len(changed) <= max(1, len(new) // 2):
            return {i: difference(old[i], new[i]) for i in changed}
    if new:
        # A window that has moved on, or a list that has grown: most of it is there already.
        near = old if len(old) != len(new) else old[:_NEAR]
        first = next((i for i, one in enumerate(near) if one == new[0]), -1)
        if first >= 0:
            count = next(
                (i for i, (a, b) in enumerate(zip(old[first:], new, strict=False)) if a != b),
                min(len(old) - first, len(new)),
            )
            if 2 * count >= len(new):
                return [first, count, list(new[count:])]
    if len(old) == len(new):
        return {i: difference(old[i], new[i]) for i in range(len(new)) if old[i] != new[i]}
    return [new]


def patched(old: Any, patch: Any) -> Any:
    """What a patch makes of a value; `old` stays as it is. Raises ValueError where it does not fit."""
    try:
        return _patched(old, patch)
    except (TypeError, KeyError, IndexError, AttributeError, ValueError, RecursionError) as error:
        raise ValueError(f"a change does not fit: {error!r}") from None


def _patched(old: Any, patch: Any) -> Any:
    if type(patch) is list:
        if len(patch) == 1:
            return patch[0]
        first, count, values = patch
        return [*old[first : first + count], *values]
    changed = list(old) if isinstance(old, (list, tuple)) else dict(old)
    for key, inner in patch.items():
        if type(inner) is list and len(inner) == 1:
            changed[key] = inner[0]
        elif type(inner) is list and not inner:
            del changed[key]
        else:
            changed[key] = _patched(changed[key], inner)
    return changed


def is_restless(patch: Any) -> bool:
    """Whether nothing has changed but ages, clocks and counters."""
    return type(patch) is dict and all(
        key in RESTLESS or (type(inner) is dict and is_restless(inner)) for key, inner in patch.items()
    )
