"""The state as one block of bytes and back, so that a start folds the newest records only.

A snapshot is a convenience, never a source of truth: whatever is odd about one, the journal is folded whole.
"""

from __future__ import annotations

import hashlib
from functools import cache

import msgspec
from msgspec import Raw, Struct

from engine.state.state import State

FOLD = 2
"""Grows when `apply` changes what it makes of old records: older snapshots are not trusted then."""


class _Envelope(Struct, frozen=True):
    fold: int
    shape: str
    state: Raw


@cache
def shape() -> str:
    """The fingerprint of the state's fields and types: any change of them outdates every snapshot."""
    schema = msgspec.json.schema(State)
    return hashlib.sha256(msgspec.json.encode(schema, order="deterministic")).hexdigest()[:16]


def encode(state: State) -> bytes:
    """Exact: amounts as text, dictionaries in the order in which they grew, which some rules go by."""
    body = msgspec.json.encode(state)
    return msgspec.json.encode(_Envelope(FOLD, shape(), Raw(body)))


def decode(raw: bytes) -> State | None:
    """The state, or None for anything that this very version did not write."""
    try:
        envelope = msgspec.json.decode(raw, type=_Envelope)
        if (envelope.fold, envelope.shape) != (FOLD, shape()):
            return None
        return msgspec.json.decode(envelope.state, type=State)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
