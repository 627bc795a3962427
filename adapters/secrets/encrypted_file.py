"""Secrets in one file, encrypted under a password: scrypt makes the key, AES-256-GCM keeps the content.

The file is JSON: how the key was made, salt and nonce, and the sealed content. All but the content is bound
to it as associated data, so that nobody can weaken it unseen. Each write takes a new salt and a new nonce.
"""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from msgspec import Struct

from adapters.common.files import owner_only, replace_file
from adapters.common.secret import Secret
from adapters.secrets.bounds import MOST, checked, some, told
from engine.model.errors import FatalError, RefusedError, RetryableError

N, R, P = 1 << 16, 8, 2
"""64 MiB and a quarter of a second: what OWASP names beside 128 MiB and one pass."""
_MOST_N, _MOST_R, _MOST_P = 1 << 18, 16, 8
"""A file that asks for more would take the machine's memory."""
_KEY_BYTES, _SALT_BYTES, _NONCE_BYTES = 32, 16, 12
_LONGEST = 4 << 20
LEAST_PASSWORD = 8
"""Characters of a new password."""


class _Header(Struct, frozen=True, forbid_unknown_fields=True):
    """All that is readable; the content is bound to it."""

    n: int
    r: int
    p: int
    salt: str
    nonce: str
    format: Literal["tstream-secrets"] = "tstream-secrets"
    version: int = 1
    kdf: Literal["scrypt"] = "scrypt"
    cipher: Literal["AES-256-GCM"] = "AES-256-GCM"

    def bound(self) -> bytes:
        return msgspec.json.encode(self, order="deterministic")


class _Kept(Struct, frozen=True, forbid_unknown_fields=True):
    header: _Header
    content: str


class EncryptedFile:
    """One file of mode 0600. The password is asked for when something is first read or written."""

    kind = "file"

    def __init__(self, path: Path, password: Callable[[bool], str]) -> None:
        """`password` is told whether the file is yet to be made, and raises FatalError where there is none
        to be had.
        """
        self.path = path
        self._ask = password
        self._password: Secret | None = None

    @property
    def where(self) -> str:
        return f"{self.path}"

    def ask_with(self, password: Callable[[bool], str]) -> None:
        """Ask for the password so from now on, while it is not known."""
        self._ask = password

    def read(self, names: Iterable[str]) -> dict[str, str]:
        """See SecretStore.read. Raises FatalError: a wrong password, a file that was changed."""
        return some(self._content(), names)

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._content()))

    def set(self, name: str, value: str) -> None:
        content = self._content() | {name: checked(name, value)}
        if len(content) > MOST:
            raise RefusedError(f"{self.path} holds {MOST} secrets at most")
        self._write(content)

    def remove(self, name: str) -> None:
        content = self._content()
        if content.pop(name, None) is not None:
            self._write(content)

    # --- the file ----------------------------------------------------------------------------------------

    def _content(self) -> dict[str, str]:
        kept = self._kept()
        if kept is None:
            return {}
        header = kept.header
        sealed, nonce = _unpacked(kept.content), _unpacked(header.nonce)
        if sealed is None or nonce is None or len(nonce) != _NONCE_BYTES:
            raise self._damaged()
        try:
            raw = AESGCM(self._key(header, new=False)).decrypt(nonce, sealed, header.bound())
        except InvalidTag:
            self._password = None
            text = f"{self.path}: the password is wrong, or the file was changed by another program"
            raise FatalError(text) from None
        try:
            return told(msgspec.json.decode(raw), f"{self.path}")
        except msgspec.DecodeError:
            raise self._damaged() from None

    def _kept(self) -> _Kept | None:
        """The file as it stands; None where there is none."""
        try:
            with open(self.path, "rb", opener=owner_only_read) as stream:
                about = os.fstat(stream.fileno())
                raw = stream.read(_LONGEST + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise FatalError(f"can't read {self.path}: {error.strerror}") from None
        if not stat.S_ISREG(about.st_mode) or len(raw) > _LONGEST:
            raise self._damaged()
        if about.st_uid != os.getuid() or about.st_mode & 0o077:
            mode = stat.S_IMODE(about.st_mode)
            raise FatalError(f"{self.path} is not yours alone (mode {mode:04o}): chmod 600 {self.path}")
        try:
            kept = msgspec.json.decode(raw, type=_Kept)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._damaged() from None
        header = kept.header
        if header.version != 1:
            raise FatalError(f"{self.path} is of version {header.version}; this tstream reads 1: update it")
        if not (1 < header.n <= _MOST_N and header.n & (header.n - 1) == 0):
            raise self._damaged()
        if not (0 < header.r <= _MOST_R and 0 < header.p <= _MOST_P):
            raise self._damaged()
        return kept

    def _key(self, header: _Header, *, new: bool) -> bytes:
        if self._password is None:
            self._password = Secret(self._ask(new))
        salt = _unpacked(header.salt)
        if salt is None or len(salt) != _SALT_BYTES:
            raise self._damaged()
        scrypt = Scrypt(salt=salt, length=_KEY_BYTES, n=header.n, r=header.r, p=header.p)
        return scrypt.derive(self._password.reveal().encode())

    def _write(self, content: dict[str, str]) -> None:
        salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
        header = _Header(N, R, P, _packed(salt), _packed(nonce))
        key = self._key(header, new=not self.path.exists())
        raw = msgspec.json.encode(content, order="sorted")
        sealed = AESGCM(key).encrypt(nonce, raw, header.bound())
        try:
            replace_file(self.path, msgspec.json.encode(_Kept(header, _packed(sealed))), durable=True)
        except OSError as error:
            raise RetryableError(f"can't write {self.path}: {error.strerror}") from None

    def _damaged(self) -> FatalError:
        return FatalError(f"{self.path} is no file of secrets of tstream's, or is damaged: restore it")


def owner_only_read(path: str, flags: int) -> int:
    """An opener that follows no link, and waits for no other end of a pipe. Raises OSError."""
    return owner_only(path, flags | os.O_NONBLOCK)


def _packed(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _unpacked(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return None
