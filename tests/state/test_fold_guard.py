"""Whoever changes what the fold makes of old records has to outdate the snapshots that hold the old."""

from __future__ import annotations

import ast
import hashlib
import inspect
from types import ModuleType

from engine.state import (
    carry,
    days,
    fold,
    fold_alerts,
    fold_days,
    fold_late_fills,
    order_table,
    position,
    snapshot,
    state,
    track_record,
)

FOLDING: tuple[ModuleType, ...] = (
    carry, days, fold, fold_alerts, fold_days, fold_late_fills, order_table, position, state, track_record,
)  # fmt: skip

KNOWN = (2, "729fef1af217dd1c")
"""`snapshot.FOLD`, and the fingerprint of the code that it stands for."""


def fingerprint(*sources: str) -> str:
    """Of code, not of its words: docstrings, comments and layout may change. The same on every Python."""
    said = "".join(_said(ast.parse(source)) for source in sources)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _said(part: object) -> str:
    match part:
        case ast.AST():
            fields = (f"{name}={_said(value)}" for name, value in ast.iter_fields(part) if _counts(value))
            return f"{type(part).__name__}({','.join(fields)})"
        case list():
            return f"[{','.join(_said(one) for one in part if not _is_words(one))}]"
        case _:
            return repr(part)


def _counts(value: object) -> bool:
    """Newer Pythons know more fields; what is not used of them is left empty."""
    return value is not None and value != []


def _is_words(part: object) -> bool:
    return (
        isinstance(part, ast.Expr)
        and isinstance(part.value, ast.Constant)
        and isinstance(part.value.value, str)
    )


def test_a_changed_fold_outdates_snapshots() -> None:
    found = snapshot.FOLD, fingerprint(*map(inspect.getsource, FOLDING))
    assert found == KNOWN, (
        "the fold has changed: raise snapshot.FOLD if any old record becomes something else by it, "
        f"and then note {found} as KNOWN"
    )


def test_words_make_no_difference_and_code_does() -> None:
    one = "def f(a):\n    return a + 1\n"
    assert fingerprint(one) == fingerprint(
        '"""Words."""\n# more\ndef f(a):\n    """And more."""\n    return a + 1'
    )
    assert fingerprint(one) != fingerprint(one.replace("1", "2"))
