"""HashiCorp Vault: who may come in, what goes wrong, and what a token is never sent to."""

from __future__ import annotations

import pytest

from adapters.common.secret import Secret
from adapters.secrets.vault import Vault, VaultLogin, VaultPlace
from engine.model.errors import FatalError, RefusedError, RetryableError
from tests.secrets.conftest import by_token
from tests.secrets.vault_server import ROLE, SECRET, VaultServer

NAME = "TSTREAM_PROJECTX_KEY"


def by_role(server: VaultServer, secret: str = SECRET) -> Vault:
    return Vault(VaultPlace(server.url), VaultLogin(Secret(""), Secret(ROLE), Secret(secret)))


def test_an_approle_logs_in_once_and_again_where_its_token_has_ended(vault: VaultServer) -> None:
    store = by_role(vault)
    store.set(NAME, "canary")
    assert store.read([NAME]) == {NAME: "canary"}
    assert vault.issued == 1
    vault.tokens.clear()  # revoked
    assert store.read([NAME]) == {NAME: "canary"}
    assert vault.issued == 2
    vault.lease = 1
    vault.tokens.clear()
    assert store.read([NAME]) == {NAME: "canary"}
    assert store.read([NAME]) == {NAME: "canary"}
    assert vault.issued == 4, "a token that is about to end is not used"


@pytest.mark.parametrize("store", [by_token, by_role])
def test_who_is_not_let_in_is_told_so_without_a_secret(vault: VaultServer, store: object) -> None:
    opened = by_token(vault, "canary-wrong") if store is by_token else by_role(vault, "canary-wrong")
    with pytest.raises(FatalError, match=r"permission denied|AppRole is not taken") as refused:
        opened.read([NAME])
    assert "canary" not in str(refused.value)


def test_without_a_login_nothing_is_asked(vault: VaultServer) -> None:
    nobody = VaultLogin(Secret(""), Secret(""), Secret(""))
    with pytest.raises(FatalError, match="VAULT_TOKEN"):
        Vault(VaultPlace(vault.url), nobody).read([NAME])
    assert vault.asked == []


def test_a_sealed_or_absent_vault_is_tried_again_later(vault: VaultServer) -> None:
    vault.sealed = True
    with pytest.raises(RetryableError, match="503"):
        by_token(vault).read([NAME])
    with pytest.raises(RetryableError, match="can't be reached"):
        Vault(VaultPlace("http://127.0.0.1:9"), VaultLogin(Secret("t"), Secret(""), Secret(""))).read([NAME])


def test_two_writers_do_not_undo_each_other(vault: VaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = by_token(vault), by_token(vault)
    content = first._content
    first.set(NAME, "canary-1")

    def overtaken() -> tuple[dict[str, str], int]:
        found = content()
        second.set("TSTREAM_DISCORD_TOKEN", "canary-2")
        return found

    monkeypatch.setattr(first, "_content", overtaken)
    with pytest.raises(RetryableError, match="somebody else"):
        first.set(NAME, "canary-3")
    assert by_token(vault).read([NAME, "TSTREAM_DISCORD_TOKEN"]) == {
        NAME: "canary-1",
        "TSTREAM_DISCORD_TOKEN": "canary-2",
    }


def test_a_deleted_version_is_written_over(vault: VaultServer) -> None:
    vault.versions += [{NAME: "canary"}, None]
    assert by_token(vault).read([NAME]) == {}
    by_token(vault).set(NAME, "canary-new")
    assert by_token(vault).read([NAME]) == {NAME: "canary-new"}


def test_a_token_goes_to_no_other_address_and_never_readable(vault: VaultServer) -> None:
    vault.elsewhere = "http://127.0.0.1:9"
    with pytest.raises(FatalError, match="sends elsewhere"):
        by_token(vault).read([NAME])
    with pytest.raises(FatalError, match="readable"):
        Vault(VaultPlace("http://vault.example.com"), VaultLogin(Secret("t"), Secret(""), Secret("")))


@pytest.mark.parametrize("content", [{"a name": "x"}, {NAME: "a\0b"}, {f"N{n}": "x" for n in range(201)}])
def test_what_it_holds_is_bounded(vault: VaultServer, content: dict[str, str]) -> None:
    vault.versions.append(content)
    with pytest.raises(FatalError):
        by_token(vault).read([NAME])


def test_a_token_with_a_line_end_is_not_quoted(vault: VaultServer) -> None:
    with pytest.raises(FatalError, match="can't be sent") as refused:
        by_token(vault, "canary\r\nX-Evil: 1").read([NAME])
    assert "canary" not in str(refused.value)


def test_it_is_full_some_day(vault: VaultServer) -> None:
    vault.versions.append({f"N{n}": "x" for n in range(200)})
    with pytest.raises(RefusedError, match="200"):
        by_token(vault).set(NAME, "canary")
