"""Signatures, by the vectors that Binance publishes and by an independent key of Ed25519."""

from __future__ import annotations

import base64
import importlib.util
from typing import Any

import pytest

from adapters.binance.signing import Signer, encode
from adapters.common.secret import Secret
from engine.model.errors import FatalError

KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
ORDER: dict[str, str | int] = {
    "symbol": "LTCBTC",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": 1,
    "price": "0.1",
    "recvWindow": 5000,
    "timestamp": 1499827319559,
}


@pytest.mark.parametrize(
    ("symbol", "signature"),
    [
        ("LTCBTC", "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"),
        ("１２３４５６", "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3"),
    ],
)
def test_published_vectors_of_rest(symbol: str, signature: str) -> None:
    query = Signer(Secret(SECRET)).query(ORDER | {"symbol": symbol})
    text, _, signed = query.partition("&signature=")
    assert signed == signature
    assert text == encode(ORDER | {"symbol": symbol})
    assert text.isascii()


def test_the_published_vector_of_the_socket_is_sorted_by_name() -> None:
    params: dict[str, str | int] = {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.01000000",
        "price": "52000.00",
        "recvWindow": 100,
        "timestamp": 1645423376532,
        "apiKey": KEY,
    }
    signed = Signer(Secret(SECRET)).socket(params)
    assert signed["signature"] == "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24"
    assert {k: v for k, v in signed.items() if k != "signature"} == params


def test_the_subscription_of_the_account() -> None:
    signed = Signer(Secret(SECRET)).socket({"apiKey": KEY, "timestamp": 1747385641636})
    assert signed["signature"] == "681110a6057ad58657af22f5640fab9dd17418834cdfccdc81be8b0f7b2cde3e"


@pytest.mark.skipif(importlib.util.find_spec("cryptography") is None, reason="without cryptography")
def test_an_ed25519_key_signs_what_its_public_half_verifies() -> None:
    ed25519: Any = importlib.import_module("cryptography.hazmat.primitives.asymmetric.ed25519")
    forms: Any = importlib.import_module("cryptography.hazmat.primitives.serialization")
    private = ed25519.Ed25519PrivateKey.generate()
    pem = private.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption()).decode()
    signed = Signer(Secret(pem)).sign("symbol=LTCBTC")
    private.public_key().verify(base64.b64decode(signed), b"symbol=LTCBTC")


@pytest.mark.parametrize("pem", ["-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----"])
def test_a_private_key_that_is_none_is_told_without_showing_it(pem: str) -> None:
    with pytest.raises(FatalError) as raised:
        Signer(Secret(pem)).sign("x")
    assert "nonsense" not in str(raised.value)
