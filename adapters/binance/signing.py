"""Signatures of requests (docs/protocols/binance_spot.md#signing). Pure: no clock, no network."""

from __future__ import annotations

import base64
import hashlib
import hmac
import importlib
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import quote

from adapters.common.secret import Secret
from engine.model.errors import FatalError

Params = Mapping[str, str | int]


class _PrivateKey(Protocol):
    def sign(self, data: bytes) -> bytes: ...


def encode(params: Params) -> str:
    """Parameters of a REST call as they are signed and sent: percent-encoded, in the order given."""
    return "&".join(f"{name}={quote(str(value), safe='')}" for name, value in params.items())


class Signer:
    """Signs with the secret of an HMAC key, or with the private half of an Ed25519 key."""

    def __init__(self, secret: Secret) -> None:
        self._secret = secret
        self._loaded: tuple[str, _PrivateKey] | None = None

    @property
    def is_ed25519(self) -> bool:
        return "PRIVATE KEY" in self._secret.reveal()

    def query(self, params: Params) -> str:
        """The query string of a signed REST call, signature last. Raises FatalError for what is no key."""
        text = encode(params)
        return f"{text}&signature={quote(self.sign(text), safe='')}"

    def socket(self, params: Params) -> dict[str, str | int]:
        """The parameters of a signed call of the WebSocket API: sorted by name, not percent-encoded."""
        text = "&".join(f"{name}={params[name]}" for name in sorted(params))
        return {**params, "signature": self.sign(text)}

    def sign(self, text: str) -> str:
        """Raises FatalError for a key that is none."""
        if self.is_ed25519:
            return base64.b64encode(self._private_key().sign(text.encode())).decode()
        return hmac.new(self._secret.reveal().encode(), text.encode(), hashlib.sha256).hexdigest()

    def _private_key(self) -> _PrivateKey:
        pem = self._secret.reveal()
        if self._loaded is None or self._loaded[0] != pem:
            try:
                keys: Any = importlib.import_module("cryptography.hazmat.primitives.serialization")
            except ImportError:
                raise FatalError(
                    "an Ed25519 key needs the package cryptography: pip install cryptography, or make an "
                    "HMAC key at Binance"
                ) from None
            try:
                self._loaded = pem, keys.load_pem_private_key(pem.encode(), password=None)
            except (ValueError, TypeError):
                raise FatalError(
                    "the private key is no PEM text of an Ed25519 key without a password"
                ) from None
        return self._loaded[1]
