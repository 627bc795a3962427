"""Cutting texts to size."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adapters.notify.content.chunks import cut, packed, pieces, utf16_units


def test_telegram_counts_an_emoji_as_two() -> None:
    assert utf16_units("a🚨b") == len("a🚨b".encode("utf-16-le")) // 2 == 4


@given(st.text(alphabet="ab 🚨\u00e9", max_size=200), st.integers(2, 30))
def test_pieces_fit_and_lose_only_the_spaces_they_were_cut_at(text: str, most: int) -> None:
    found = list(pieces(text, most, utf16_units))
    assert all(utf16_units(piece) <= most for piece in found)
    assert "".join(found).replace(" ", "") == text.replace(" ", "")


@given(st.lists(st.text(alphabet="xyz", max_size=10), max_size=30), st.integers(10, 40))
def test_blocks_fit_and_hold_every_line_in_order(lines: list[str], most: int) -> None:
    blocks = list(packed(lines, most))
    assert all(len(block) <= most for block in blocks)
    assert [line for block in blocks for line in block.split("\n")] == lines


@given(st.text(max_size=50), st.integers(1, 40))
def test_a_cut_text_fits_and_begins_as_the_whole(text: str, most: int) -> None:
    short = cut(text, most)
    if len(text) <= most:
        assert short == text
    elif most > 1:
        assert len(short) <= most
        assert text.startswith(short[:-1])
        assert short.endswith("…")
