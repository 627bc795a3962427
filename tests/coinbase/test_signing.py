"""Tokens that are verified as the venue does: header, claims and signature, for both kinds of keys."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from adapters.coinbase.signing import EARLY_S, LIFE_S, CoinbaseSigner
from adapters.common.secret import Secret
from engine.model.errors import FatalError

NAME = "organizations/o/apiKeys/k"
NOW = 1_700_000_000
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
ED_RAW = ED.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
ED_PUBLIC = ED.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def pem(key: Any, form: PrivateFormat = PrivateFormat.PKCS8) -> str:
    text: bytes = key.private_bytes(Encoding.PEM, form, NoEncryption())
    return text.decode()


def signer_of(text: str) -> CoinbaseSigner:
    return CoinbaseSigner(Secret(NAME), Secret(text))


def unpacked(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def opened(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    header, claims, signature = token.split(".")
    return (
        msgspec.json.decode(unpacked(header)),
        msgspec.json.decode(unpacked(claims)),
        unpacked(signature),
        f"{header}.{claims}".encode(),
    )


def verify_ec(signature: bytes, text: bytes) -> None:
    assert len(signature) == 64
    der = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    EC.public_key().verify(der, text, ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("escaped", [True, False])
def test_an_ec_key_signs_es256(form: PrivateFormat, escaped: bool) -> None:
    text = pem(EC, form)
    signer = signer_of(text.replace("\n", "\\n") if escaped else text)
    uri = "GET api.coinbase.com/api/v3/brokerage/accounts"
    header, claims, signature, signed = opened(signer.token(NOW, uri))
    assert (header["alg"], header["typ"], header["kid"]) == ("ES256", "JWT", NAME)
    assert claims == {
        "sub": NAME,
        "iss": "cdp",
        "nbf": NOW - EARLY_S,
        "exp": NOW - EARLY_S + LIFE_S,
        "uri": uri,
    }
    verify_ec(signature, signed)
    with pytest.raises(InvalidSignature):
        verify_ec(signature, signed + b"x")


@pytest.mark.parametrize(
    "text",
    [pem(ED), base64.b64encode(ED_RAW).decode(), base64.b64encode(ED_RAW + ED_PUBLIC).decode()],
    ids=["pem", "32 bytes", "64 bytes"],
)
def test_an_ed25519_key_signs_eddsa(text: str) -> None:
    header, claims, signature, signed = opened(signer_of(text).token(NOW))
    assert header["alg"] == "EdDSA"
    assert "uri" not in claims, "of a stream there is none"
    ED.public_key().verify(signature, signed)


def test_no_two_tokens_are_the_same() -> None:
    signer = signer_of(pem(ED))
    assert signer.token(NOW) != signer.token(NOW)


@pytest.mark.parametrize(
    "text",
    [
        "", "not a key", "c2hvcnQ=", "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----",
        pem(ec.generate_private_key(ec.SECP384R1())), pem(rsa.generate_private_key(65537, 2048)),
    ],
    ids=["empty", "words", "too short", "broken", "another curve", "rsa"],
)  # fmt: skip
def test_a_key_that_is_none_is_told_without_any_of_it(text: str) -> None:
    with pytest.raises(FatalError) as told:
        signer_of(text)
    body = "".join(text.split("\n")[1:-2])
    assert not body or body[:20] not in str(told.value)
    assert told.value.__cause__ is None


def test_a_key_that_is_exchanged_signs_from_the_next_token_on() -> None:
    """As a reload of the settings does; a new key that is none is told of then."""
    login = {"name": NAME, "key": pem(EC)}
    signer = CoinbaseSigner(Secret(lambda: login["name"]), Secret(lambda: login["key"]))
    assert opened(signer.token(NOW))[0]["alg"] == "ES256"
    login |= {"name": f"{NAME}-2", "key": pem(ED)}
    header, claims, signature, signed = opened(signer.token(NOW))
    assert (header["alg"], header["kid"], claims["sub"]) == ("EdDSA", f"{NAME}-2", f"{NAME}-2")
    ED.public_key().verify(signature, signed)
    login["key"] = "no key"
    with pytest.raises(FatalError):
        signer.token(NOW)
