"""Signatures against vectors that were computed elsewhere (docs/protocols/bybit.md)."""

from __future__ import annotations

from adapters.bybit.signing import signed_headers, stream_login

KEY, SECRET = "testkey", "testsecret"


def test_the_query_of_a_question_is_signed() -> None:
    headers = signed_headers(KEY, SECRET, 1658384314791, 5000, "category=linear&symbol=BTCUSDT")
    assert headers == {
        "X-BAPI-API-KEY": KEY,
        "X-BAPI-TIMESTAMP": "1658384314791",
        "X-BAPI-RECV-WINDOW": "5000",
        "X-BAPI-SIGN": "da6213487e070e4d08e4f5d0cd9dadd8684519516f65ce3109007d2770aff690",
    }


def test_the_exact_body_of_an_order_is_signed() -> None:
    body = (
        '{"category":"linear","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.01",'
        '"price":"50000","orderLinkId":"t-1"}'
    )
    sign = signed_headers(KEY, SECRET, 1658385579423, 5000, body)["X-BAPI-SIGN"]
    assert sign == "2eb87c3dfc6f8cdb4aac43705eba34112767d4b5609e544f523aeb2a36c937a4"


def test_the_login_of_a_stream_is_signed() -> None:
    assert stream_login(KEY, SECRET, 1662350400000) == [
        KEY,
        1662350400000,
        "b38c4f23eca76c513b6542823c0882c502bdea24e31f6d6af028af804c5c850a",
    ]
