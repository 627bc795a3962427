"""What a token says of its own life. Nothing is verified by it, only scheduled."""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

import msgspec
from msgspec import Struct

_SECOND = 1_000_000_000
LONGEST_LIFE_S = 30 * 86_400
"""More is not believed, seconds."""
UNDATED_LIFE_S = 23 * 3600
"""Life of a token that does not tell its own, seconds: tokens are said to live 24 hours."""
_RENEW_AFTER = 0.9
"""Part of its life after which a token is renewed."""


class Life(NamedTuple):
    """Times in nanoseconds UTC of our clock."""

    renew_at: int = 0
    expires_at: int = 0


class _Claims(Struct):
    exp: float | None = None
    iat: float | None = None
    nbf: float | None = None


def life(token: str, now: int) -> Life:
    """When a token received now is to be renewed, and when it ends.

    Its life is taken as a length (expiry less issue), so that a difference between the venue's clock and
    ours does no harm.
    """
    claims = _claims(token)
    issued = claims.iat if claims.iat is not None else claims.nbf
    if claims.exp is None:
        seconds = float(UNDATED_LIFE_S)
    elif issued is not None:
        seconds = claims.exp - issued
    else:
        seconds = claims.exp - now / _SECOND
    seconds = min(max(0.0, seconds), LONGEST_LIFE_S)
    return Life(now + int(seconds * _RENEW_AFTER * _SECOND), now + int(seconds * _SECOND))


def _claims(token: str) -> _Claims:
    parts = token.split(".")
    if len(parts) != 3:
        return _Claims()
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        return msgspec.json.decode(base64.urlsafe_b64decode(padded), type=_Claims)
    except (binascii.Error, ValueError, RecursionError, msgspec.MsgspecError):
        return _Claims()
