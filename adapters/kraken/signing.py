"""How a request for a token is signed (docs/protocols/kraken.md#token). Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from engine.model.errors import FatalError


def signature(secret: str, path: str, nonce: str, body: str) -> str:
    """The API-Sign header of a POST: HMAC-SHA-512 over path and SHA-256 of nonce and body, in base64.

    Raises FatalError for a secret that is no base64.
    """
    try:
        key = base64.b64decode(secret, validate=True)
    except (binascii.Error, ValueError):
        raise FatalError(
            "the API secret is not base64: copy the private key whole, as the venue shows it"
        ) from None
    digest = hashlib.sha256((nonce + body).encode()).digest()
    return base64.b64encode(hmac.new(key, path.encode() + digest, hashlib.sha512).digest()).decode()
