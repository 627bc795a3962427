"""The web tokens that log in a call or a subscription: ES256 or EdDSA by the kind of the key, for 2 minutes.

Nothing of a key may reach an error's text.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from typing import Any

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from adapters.common.secret import Secret
from engine.model.errors import FatalError

LIFE_S = 120
EARLY_S = 10
"""So far before the venue's time a token begins: an answer that was slow one way blurs what we know of it."""
_P256_BYTES = 32
_REMEDY = "the private key can't be read: it is the PEM text or the base64 text that the venue gave, whole"


class CoinbaseSigner:
    """Makes a fresh token for each request, with the key as it is then: it may be exchanged. Raises
    FatalError for a key that is none.
    """

    def __init__(self, key_name: Secret, private_key: Secret) -> None:
        self._name, self._private = key_name, private_key
        self._read = private_key.reveal()
        self._key = _load(self._read)

    def token(self, now_s: int, uri: str = "") -> str:
        """Good for two minutes from a little before `now_s`, seconds UTC: what is known of the venue's clock
        may be ahead of it. `uri` is "GET host/path" without the query; of a stream there is none.
        """
        if (text := self._private.reveal()) != self._read:
            self._key, self._read = _load(text), text
        key, name = self._key, self._name.reveal()
        ecdsa = isinstance(key, ec.EllipticCurvePrivateKey)
        header = {"alg": "ES256" if ecdsa else "EdDSA", "typ": "JWT"}
        header |= {"kid": name, "nonce": secrets.token_hex(16)}
        begins = now_s - EARLY_S
        claims: dict[str, Any] = {"sub": name, "iss": "cdp", "nbf": begins, "exp": begins + LIFE_S}
        if uri:
            claims["uri"] = uri
        text = f"{_packed(msgspec.json.encode(header))}.{_packed(msgspec.json.encode(claims))}"
        return f"{text}.{_packed(self._signature(text.encode()))}"

    def _signature(self, text: bytes) -> bytes:
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self._key.sign(text)
        r, s = decode_dss_signature(self._key.sign(text, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(_P256_BYTES, "big") + s.to_bytes(_P256_BYTES, "big")


def _load(text: str) -> ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey:
    """A .env file keeps the ends of a PEM's lines as two characters each."""
    text = text.strip().replace("\\n", "\n")
    try:
        if not text.startswith("-----BEGIN"):
            raw = base64.b64decode(text, validate=True)
            if len(raw) not in (32, 64):
                raise ValueError
            return ed25519.Ed25519PrivateKey.from_private_bytes(raw[:32])
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, binascii.Error):
        raise FatalError(_REMEDY) from None
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key
    raise FatalError("the private key is neither ECDSA on P-256 nor Ed25519: make one of these at the venue")


def _packed(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
