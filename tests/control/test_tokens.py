"""Tokens: shown once, kept as hashes, counting from when they are made until they are revoked or expire."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adapters.common.secret import Secret
from adapters.control import tokens
from adapters.control.tokens import KnownTokens, Scope, TokenFile, with_lesser
from engine.model.errors import FatalError, RefusedError


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_LOOK_S", 0.0)


@pytest.fixture
def file(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "config" / "api-tokens.json")


@pytest.mark.parametrize(
    ("given", "has"),
    [
        ((), ()),
        ((Scope.READ,), (Scope.READ,)),
        ((Scope.TRADE,), (Scope.READ, Scope.TRADE)),
        ((Scope.ADMIN, Scope.READ), tuple(Scope)),
    ],
)
def test_a_scope_has_those_before_it(given: tuple[Scope, ...], has: tuple[Scope, ...]) -> None:
    assert with_lesser(given) == has


def test_a_token_is_32_random_bytes_and_only_its_hash_is_kept(file: TokenFile) -> None:
    made, text = file.create("script", [Scope.TRADE], 5)
    kept = file.path.read_text()
    assert file.path.stat().st_mode & 0o077 == 0
    assert text not in kept
    assert text.split("_", 2)[2] not in kept
    assert len(text.split("_", 2)[2]) == 43
    assert file.read() == (made,)
    assert text != TokenFile(file.path.with_name("other.json")).create("script", [Scope.TRADE], 5)[1]


def test_a_token_counts_from_when_it_is_made_until_it_is_revoked_or_expires(file: TokenFile) -> None:
    known = KnownTokens(file.path)
    assert not known.any
    made, text = file.create("script", [Scope.READ], 5, expires=10)
    found = known.whose(text)
    assert found == made
    assert (found.expired(9), found.expired(10), found.may(Scope.READ), found.may(Scope.TRADE)) == (
        *(False, True, True, False),
    )
    assert known.holds(made, 9)
    assert not known.holds(made, 10)
    for wrong in ("", "x", text[:-1], f"{text}x", text.upper(), f"ts_{made.id}_", "ts_zz_" + text[12:]):
        assert known.whose(wrong) is None
    assert file.revoke("script") == made
    assert known.whose(text) is None
    assert not known.holds(made, 9)


def test_a_token_of_the_settings_has_all_scopes_unless_it_is_short(file: TokenFile) -> None:
    known = KnownTokens(file.path, Secret("0123456789abcdef"))
    found = known.whose("0123456789abcdef")
    assert found is not None
    assert (found.name, found.scopes) == ("API_TOKEN", tuple(Scope))
    assert known.holds(found, 1)
    assert KnownTokens(file.path, Secret("0123456789abcde")).whose("0123456789abcde") is None
    assert KnownTokens(file.path, Secret("")).whose("") is None


def test_a_damaged_file_lets_nobody_in_and_says_so(file: TokenFile, caplog: pytest.LogCaptureFixture) -> None:
    _, text = file.create("script", [Scope.READ], 5)
    known = KnownTokens(file.path)
    assert known.whose(text) is not None
    good = file.path.read_bytes()
    file.path.write_bytes(good[:-5])
    assert known.whose(text) is None
    assert known.whose(text) is None
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    with pytest.raises(FatalError, match="is damaged: no token of it counts"):
        file.create("other", [Scope.READ], 5)
    file.path.write_bytes(good)
    assert known.whose(text) is not None


def test_two_of_one_name_and_strangers_are_refused(file: TokenFile, monkeypatch: pytest.MonkeyPatch) -> None:
    file.create("one", [Scope.READ], 5)
    with pytest.raises(RefusedError, match="a token called one already: tstream token revoke one"):
        file.create("one", [Scope.READ], 5)
    with pytest.raises(RefusedError, match="no token is called two; there are: one"):
        file.revoke("two")
    monkeypatch.setattr(tokens, "MOST", 1)
    with pytest.raises(RefusedError, match="revoke one first"):
        file.create("two", [Scope.READ], 5)


def test_commands_at_the_same_time_lose_no_token(file: TokenFile) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: TokenFile(file.path).create(f"t{n}", [Scope.READ], n), range(24)))
    assert {one.name for one in file.read()} == {f"t{n}" for n in range(24)}
