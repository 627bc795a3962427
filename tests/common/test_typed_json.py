from __future__ import annotations

from enum import Enum

import pytest
from msgspec import Struct

from adapters.common.typed_json import decoded


class Side(Enum):
    BUY = "buy"


class Row(Struct):
    side: Side
    qty: int = 0


def test_what_is_read_has_its_shape() -> None:
    assert decoded(b'{"side":"buy","qty":3,"more":1}', Row, ValueError) == Row(Side.BUY, 3)
    assert decoded(b'[{"side":"buy"}]', list[Row], ValueError) == [Row(Side.BUY)]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"\xff", "not as documented: "),
        (b'{"side":"\xff"}', "no UTF-8"),
        (b'{"side":"buy","qty":"many"}', "not as documented: "),
        (b'{"side":"buy","more":' + b"[" * 100_000, "nested too deeply"),
        (b'{"side":"\\u001b[31msell"}', "not as documented: "),
    ],
)
def test_what_is_none_is_told_in_words_that_are_safe_to_show(raw: bytes, words: str) -> None:
    with pytest.raises(LookupError) as told:
        decoded(raw, Row, LookupError)
    assert str(told.value).startswith(words)
    assert str(told.value).isprintable()
    assert len(str(told.value)) < 500
