"""Outside words as data, and texts cut to size."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.notify.content.chunks import cut, packed, pieces, utf16_units
from adapters.notify.content.sanitize import LONGEST, sanitize

JOINER = "\u2060"


@given(st.text(max_size=3000))
def test_any_text_becomes_one_bounded_printable_line(text: str) -> None:
    shown = sanitize(text)
    bare = shown.replace(JOINER, "")
    assert len(bare) <= LONGEST
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for c in bare)
    assert bare == bare.strip()


@given(st.text(max_size=300))
def test_cleaning_twice_shows_the_same(text: str) -> None:
    once = sanitize(text)
    assert sanitize(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "stop of MNQ moved to 21000.25",
        "bought 2 MNQ @ 21000.25 (entry)",
        "long MNQ 7.2: entering 2 (4 of 5 agree, volume 1.3x)",
        "1 of 2 flat; 50/80/95 %",
    ],
)
def test_our_own_words_stay_as_they_are(text: str) -> None:
    assert sanitize(text) == text


@pytest.mark.parametrize(
    ("text", "live"),
    [
        ("see https://evil.example/x", "://"),
        ("see https://evil.example/x", "evil.example"),
        ("@everyone buy", "@everyone"),
        ("ping #general", "#general"),
        ("tap /flatten now", "/flatten"),
        ("/flatten", "/flatten"),
    ],
)
def test_links_mentions_and_commands_are_broken(text: str, live: str) -> None:
    shown = sanitize(text)
    assert live not in shown
    assert shown.replace(JOINER, "") == text


def test_control_and_direction_characters_go() -> None:
    assert sanitize("a\x1b[31m\u202eb\r\nc\u200bd\x00") == "a [31mb cd"


def test_megabytes_are_cut() -> None:
    assert len(sanitize("x" * 5_000_000)) == LONGEST


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
