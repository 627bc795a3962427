from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

from adapters.common.secret import Secret
from adapters.secrets import encrypted_file
from adapters.secrets.aws import AwsSecretsManager
from adapters.secrets.desktop import SystemKeyring
from adapters.secrets.encrypted_file import EncryptedFile
from adapters.secrets.environment import DotenvFile
from adapters.secrets.vault import Vault, VaultLogin, VaultPlace
from engine.ports import SecretStore
from tests.secrets.vault_server import TOKEN, VaultServer, vault_server

Reopen = Callable[[], SecretStore]
"""Opens the same store as another process would."""

PASSWORD = "canary-master-password"


class DesktopKeyring(KeyringBackend):
    """What a desktop keeps, in memory."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}
        self.error: Exception | None = None

    def get_password(self, service: str, username: str) -> str | None:
        if self.error is not None:
            raise self.error
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.error is not None:
            raise self.error
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError("not found")


@pytest.fixture
def desktop() -> Iterator[DesktopKeyring]:
    before = keyring.get_keyring()
    mine = DesktopKeyring()
    keyring.set_keyring(mine)
    yield mine
    keyring.set_keyring(before)


@pytest.fixture
def vault() -> Iterator[VaultServer]:
    with vault_server() as server:
        yield server


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real parameters cost a quarter of a second for each write; one test tries them."""
    monkeypatch.setattr(encrypted_file, "N", 1 << 10)


def by_token(server: VaultServer, token: str = TOKEN) -> Vault:
    return Vault(VaultPlace(server.url), VaultLogin(Secret(token), Secret(""), Secret("")))


@pytest.fixture(params=["dotenv", "file", "keyring", "aws", "vault"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Reopen:
    def given(name: str) -> Any:
        return request.getfixturevalue(name)

    match request.param:
        case "dotenv":
            return lambda: DotenvFile(tmp_path / ".env")
        case "file":
            return lambda: EncryptedFile(tmp_path / "secrets.json", lambda _new: PASSWORD)
        case "keyring":
            given("desktop")
            return lambda: SystemKeyring("tstream")
        case "aws":
            endpoint: str = given("aws_endpoint")
            return lambda: AwsSecretsManager("tstream", "eu-north-1", endpoint)
        case _:
            server: VaultServer = given("vault")
            return lambda: by_token(server)


@pytest.fixture
def aws_login(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Credentials as boto3 finds them, and no profile of whoever runs the tests."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "canary-aws-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-aws-secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))


@pytest.fixture(scope="session")
def aws_server() -> Iterator[str]:
    """The services of AWS on loopback."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what its extra has more is for other services
        from moto.server import ThreadedMotoServer
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@pytest.fixture
def aws_endpoint(aws_login: None, aws_server: str) -> str:
    """A Secrets Manager that has nothing yet."""
    with urlopen(f"{aws_server}/moto-api/reset", data=b""):
        return aws_server
