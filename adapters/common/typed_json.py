"""Bytes of a venue to typed records, or why they are none."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from adapters.common.redaction import scrub

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises for bytes that are no record: no JSON, no UTF-8, another shape, nested without end."""

T = TypeVar("T")
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


def decoded(raw: bytes | Raw, shape: type[T], fault: type[Exception]) -> T:
    """The record as `shape`. Raises `fault` with why it is none."""
    decoder = _decoders.get(shape)
    if decoder is None:
        decoder = _decoders[shape] = msgspec.json.Decoder(shape)
    try:
        result: T = decoder.decode(raw)
    except UNREADABLE as error:
        raise fault(unread(error)) from None
    return result


def unread(error: Exception) -> str:
    """Why bytes could not be decoded, in words. A decoder may quote what it met: that is data of others."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return "no UTF-8" if isinstance(error, UnicodeDecodeError) else f"not as documented: {scrub(error)}"
