"""Requests for tokens are signed as the exchange's own examples are."""

from __future__ import annotations

import pytest

from adapters.kraken.signing import signature
from engine.model.errors import FatalError
from tests.kraken.conftest import SECRET

NONCE = "1616492376594"


@pytest.mark.parametrize(
    ("path", "body", "signed"),
    [
        (
            "/0/private/AddOrder",
            f"nonce={NONCE}&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25",
            "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ==",
        ),
        (
            "/0/private/GetWebSocketsToken",
            f"nonce={NONCE}",
            "+mRDmY9Ks0Moc1zjv/BjfvYa98buO0x1yHChZR5onlfAzAUbfIYlLggUZzdQ0RsmXm4Sh+Q8iAIZdo2wSeHeiA==",
        ),
    ],
)
def test_the_published_vectors(path: str, body: str, signed: str) -> None:
    assert signature(SECRET, path, NONCE, body) == signed


@pytest.mark.parametrize("secret", ["not base64!", "abc", "…"])
def test_a_secret_that_is_none_is_told_and_not_shown(secret: str) -> None:
    with pytest.raises(FatalError, match="not base64") as caught:
        signature(secret, "/", "1", "nonce=1")
    assert secret not in str(caught.value)
