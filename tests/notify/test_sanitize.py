"""Outside words as data."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
