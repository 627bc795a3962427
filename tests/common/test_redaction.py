"""Secrets and control characters don't get out."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.common.redaction import LONGEST, MASK, Redactor, printable, scrub
from adapters.common.secret import travels_readable, words_of_address

SECRET = 'k3y/with "odd" + signs='


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"before{SECRET}after",
        f"https://host/hub?x={quote(SECRET, safe='')}&y=1",
        json.dumps({"note": SECRET}),
        repr([SECRET]),
        repr(repr(SECRET)),
        f"https://host/{quote(SECRET, safe='').lower()}",
        f"https://host/?x={quote_plus(SECRET)}",
        json.dumps({"note": SECRET}).replace("/", "\\/"),
        json.dumps(json.dumps({"note": SECRET})),
        json.dumps({"note": json.dumps(SECRET)}),
    ],
)
def test_f56_a_known_secret_is_gone_in_every_form(text: str) -> None:
    clean = Redactor([SECRET])(text)
    assert "odd" not in clean
    assert MASK in clean


@pytest.mark.parametrize(
    "text",
    [
        "wss://rtc.example.com/hubs/user?access_token=canary.1&v=2",
        "Authorization: Bearer canary-2",
        '{"userName": "me", "apiKey": "canary-3"}',
        "{'apiKey': 'canary-4'}",
        r'"{\"token\": \"canary-5\"}"',
        "api_key=canary-6",
        "login(user='me', password='canary-7')",
        "got eyJhbGciOiJIUzI1NiJ9.canary.c2lnbmF0dXJl from the venue",
        '{"newToken":"canary-8","success":true}',
    ],
)
def test_what_looks_like_a_secret_is_gone(text: str) -> None:
    clean = Redactor()(text)
    assert "canary" not in clean
    assert MASK in clean


@given(st.text(min_size=8, max_size=40), st.binary(max_size=8), st.binary(max_size=8))
def test_f56_a_secret_is_gone_in_base64_whatever_is_around_it(
    secret: str, before: bytes, after: bytes
) -> None:
    redact = Redactor([secret])
    for pack in (base64.b64encode, base64.urlsafe_b64encode):
        packed = pack(before + secret.encode() + after).decode()
        clean = redact(f"sent {packed} there")
        assert MASK in clean
        # Nothing but what stood around it, and a part of a byte at each end, can be read any more.
        assert len(clean.replace(MASK, "")) - len("sent  there") <= (len(before) + len(after)) * 4 // 3 + 8


@pytest.mark.parametrize("text", ["Basic dXNlcjpwYXNz", "{'Authorization': 'Basic dTpwYXNzd29yZA=='}"])
def test_f56_what_a_header_of_a_login_holds_is_gone(text: str) -> None:
    clean = Redactor()(text)
    assert MASK in clean
    assert "dX" not in clean
    assert "dT" not in clean
    assert Redactor()("Basic authentication failed") == "Basic authentication failed"


def test_the_rest_of_the_text_stays() -> None:
    redact = Redactor(["hunter2hunter2"])
    assert redact("access_token=abc&v=2 ok") == f"access_token={MASK}&v=2 ok"
    assert redact('{"apiKey":"abc","user":"me"}') == f'{{"apiKey":"{MASK}","user":"me"}}'
    plain = "bought 2 MNQ at 21034.25; the token is renewed every 23 h; key f flattens"
    assert redact(plain) == plain


def test_redacting_twice_changes_nothing() -> None:
    redact = Redactor(["hunter2hunter2"])
    once = redact("Bearer abc access_token=x apiKey='y' hunter2hunter2")
    assert redact(once) == once


def test_longer_secrets_go_first() -> None:
    assert Redactor(["abcd", "abcdefgh"])("abcdefgh abcd") == f"{MASK} {MASK}"


def test_short_secrets_do_not_blot_out_words() -> None:
    assert Redactor(["at", ""])("bought at") == "bought at"


def test_it_does_not_show_what_it_knows() -> None:
    assert "hunter2" not in repr(Redactor(["hunter2hunter2"]))


@given(st.text())
def test_printable_text_drives_no_terminal(text: str) -> None:
    clean = printable(text)
    assert not any((ord(c) < 32 and c not in "\t\n") or 127 <= ord(c) < 160 for c in clean)
    assert printable(clean) == clean


def test_printable_text_stays_as_it_is() -> None:
    assert printable("−3 ▲ Zürich\tx\n") == "−3 ▲ Zürich\tx\n"
    assert printable("\x1b[2J\x9b") == "\\x1b[2J\\x9b"


def test_a_foreign_text_becomes_one_short_line_without_its_secrets() -> None:
    assert (
        scrub("k1\nat /k1/x\x1b[2J?access_token=abc", "k1", "")
        == f"{MASK} at /{MASK}/x [2J?access_token={MASK}"
    )
    assert scrub(ValueError("eyJhbGci.cut")) == MASK
    assert scrub("x" * 400) == "x" * LONGEST + "…"


def test_an_address_is_secret_whole_and_in_the_parts_that_libraries_quote() -> None:
    address = "json://canaryUser:canaryPass@host/hook/canaryPath?x=1"
    assert words_of_address(address) == (address, "canaryPass", "canaryPath", "canaryUser", "hook/canaryPath")
    assert words_of_address("no address") == ("no address",)


@pytest.mark.parametrize(
    ("url", "readable"),
    [
        ("https://example.org/x", False),
        ("wss://example.org", False),
        ("ws://127.0.0.1:81/", False),
        ("http://[::1]/", False),
        ("http://localhost.example.org/", True),
        ("http://127.0.0.1.example.org/", True),
        ("", True),
    ],
)
def test_a_secret_travels_readable_only_where_nothing_encrypts_it(url: str, readable: bool) -> None:
    assert travels_readable(url) is readable
