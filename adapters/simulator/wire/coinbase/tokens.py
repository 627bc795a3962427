"""Web tokens as the venue checks them: whose key, which call, how old, and the signature.

On practice the private key of an account is made from its secret text, so that both ends know it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.simulator.twins.account import TwinAccount


class TokenError(Exception):
    """The token is not accepted; the message says why."""


def practice_key(secret: str) -> str:
    """The Ed25519 key of a practice account, as a client is given one: base64 of 32 bytes."""
    return base64.b64encode(hashlib.sha256(secret.encode()).digest()).decode()


def account_of(token: str, uri: str, now_s: int, find: Callable[[str], TwinAccount | None]) -> TwinAccount:
    """Whose token it is. `uri` is "GET host/path", empty of a stream. Raises TokenError."""
    parts = token.split(".")
    if len(parts) != 3:
        raise TokenError("no token")
    try:
        header, claims = (msgspec.json.decode(_unpacked(part), type=dict[str, Any]) for part in parts[:2])
        signature = _unpacked(parts[2])
    except (msgspec.MsgspecError, binascii.Error, ValueError):
        raise TokenError("the token can't be read") from None
    account = find(str(header.get("kid")))
    if account is None or claims.get("sub") != header.get("kid") or claims.get("iss") != "cdp":
        raise TokenError("unknown key")
    if claims.get("uri", "") != uri or not header.get("nonce"):
        raise TokenError("the token is for another call")
    begins, ends = claims.get("nbf"), claims.get("exp")
    if not (isinstance(begins, int) and isinstance(ends, int) and begins <= now_s < ends <= begins + 120):
        raise TokenError("request timestamp expired")
    private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(practice_key(account.login.secret)))
    try:
        private.public_key().verify(signature, f"{parts[0]}.{parts[1]}".encode())
    except InvalidSignature:
        raise TokenError("the signature is wrong") from None
    return account


def _unpacked(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
