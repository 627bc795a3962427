""".env files as people write them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tstream.paths import Paths
from tstream.settings.load import load


@pytest.mark.parametrize(
    ("written", "key"),
    [
        (b"TSTREAM_PROJECTX_USER=trader\nTSTREAM_PROJECTX_KEY=ab${cd}ef\n", "ab${cd}ef"),
        (
            b'export TSTREAM_PROJECTX_USER="trader"\r\nexport TSTREAM_PROJECTX_KEY="abcDEF123="\r\n',
            "abcDEF123=",
        ),
        (
            b"TSTREAM_PROJECTX_USER = trader   # my login\nTSTREAM_PROJECTX_KEY = abc#DEF\n",
            "abc#DEF",
        ),
        (b"\xef\xbb\xbfTSTREAM_PROJECTX_USER=trader\nTSTREAM_PROJECTX_KEY='a$b'\n", "a$b"),
    ],
    ids=["dollar", "export and CRLF", "spaces and hash", "BOM and quotes"],
)
def test_a_dotenv_is_taken_as_it_stands(places: Paths, written: bytes, key: str) -> None:
    (places.config / ".env").write_bytes(written)
    login = load(places).settings.projectx
    assert (login.user, login.key.get_secret_value()) == ("trader", key)


def test_a_broken_dotenv_names_its_line(complaints: Callable[..., list[str]]) -> None:
    assert complaints(dotenv="TSTREAM_UI_FPS=9\nthis is nothing\n") == ["line 2 is no NAME=value (in ~/.env)"]
