"""The state as one block of bytes and back, so that a start folds the newest records only.

A snapshot is a convenience, never a source of truth: whatever is odd about one, the journal is folded whole.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from functools import cache
from types import CodeType, FunctionType
from typing import Any

import msgspec
from msgspec import Raw, Struct

from engine.state.fold import FOLDS
from engine.state.state import State


class _Envelope(Struct, frozen=True):
    fold: str
    shape: str
    state: Raw


@cache
def shape() -> str:
    """The fingerprint of the state's fields and types: any change of them outdates every snapshot."""
    schema = msgspec.json.schema(State)
    return hashlib.sha256(msgspec.json.encode(schema, order="deterministic")).hexdigest()[:16]


@cache
def fold() -> str:
    """The fingerprint of the code that folds records: any change of it outdates every snapshot."""
    return fingerprint(FOLDS)


def fingerprint(folds: dict[type, Callable[[State, Any], None]]) -> str:
    """Of functions, and of everything in the engine that their modules hold, as this Python compiled it."""
    digest = hashlib.sha256(sys.version.encode())
    seen: set[str] = set()
    for record, function in folds.items():
        digest.update(record.__name__.encode())
        for text in _code_of(function, seen):
            digest.update(text.encode())
    return digest.hexdigest()[:16]


def _code_of(function: Callable[..., Any], seen: set[str]) -> Iterator[str]:
    """A function's own code, and that of its module and of the engine's modules that this one names."""
    if isinstance(function, FunctionType):
        yield _text(function.__code__)
    if function.__module__ in seen or not function.__module__.startswith("engine."):
        return
    seen.add(function.__module__)
    module = sys.modules[function.__module__]
    for name, value in sorted(vars(module).items()):
        if isinstance(value, FunctionType | type) and value.__module__.startswith("engine."):
            if isinstance(value, type):
                yield from map(_text, _methods(value))
            yield from _code_of(value, seen)
        elif isinstance(value, str | int | tuple | frozenset | dict) and not name.startswith("__"):
            yield f"{name}={_text(value)}"


def _methods(owner: type) -> Iterator[CodeType]:
    for _, value in sorted(vars(owner).items(), key=lambda item: item[0]):
        found = value.fget if isinstance(value, property) else value
        if isinstance(found, FunctionType):
            yield found.__code__


def _text(value: object) -> str:
    """The same in every process: no addresses, no order of sets, no lines."""
    match value:
        case CodeType():
            parts = (value.co_code.hex(), value.co_names, value.co_varnames, *map(_text, value.co_consts))
            return f"code{parts}"
        case frozenset():
            return f"set{sorted(map(_text, value))}"
        case tuple():
            return f"({','.join(map(_text, value))})"
        case dict():
            return f"{{{','.join(f'{_text(k)}:{_text(v)}' for k, v in value.items())}}}"
        case type() | FunctionType():
            return value.__qualname__
        case _:
            return repr(value)


def encode(state: State) -> bytes:
    """Exact: amounts as text, dictionaries in the order in which they grew, which some rules go by."""
    body = msgspec.json.encode(state)
    return msgspec.json.encode(_Envelope(fold(), shape(), Raw(body)))


def decode(raw: bytes) -> State | None:
    """The state, or None for anything that this very version did not write."""
    try:
        envelope = msgspec.json.decode(raw, type=_Envelope)
        if (envelope.fold, envelope.shape) != (fold(), shape()):
            return None
        return msgspec.json.decode(envelope.state, type=State)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
