"""The keyring of the desktop or system, by the library `keyring`: macOS Keychain, Secret Service, KWallet.

A keyring tells no names, so that an entry of our own keeps them. Where the library found no keyring, or one
that writes what it is given as plain text, nothing is kept in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from adapters.common.redaction import scrub
from adapters.secrets.bounds import MOST, checked
from engine.model.errors import FatalError, RefusedError, RetryableError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

NAMES = "names"
"""The entry that lists the others; no secret's name is in small letters."""

_NO_KEYRING = ("keyring.backends.fail", "keyring.backends.null")
_PLAIN = ("plaintext", "nullcrypter", "registrykeyring")
"""Parts of the names of backends that encrypt nothing, or next to nothing."""


class SystemKeyring:
    """Entries of one service, a name each."""

    kind = "keyring"

    def __init__(self, service: str) -> None:
        self._service = service
        self._found: KeyringBackend | None = None

    @property
    def where(self) -> str:
        return f"the keyring, under {self._service}"

    def read(self, names: Iterable[str]) -> dict[str, str]:
        found = {}
        for name in names:
            value = self._call("get_password", name)
            if value:
                try:
                    found[name] = checked(name, value)
                except RefusedError as error:
                    raise FatalError(f"{self.where}: {error}") from None
        return found

    def names(self) -> tuple[str, ...]:
        raw = self._call("get_password", NAMES)
        if raw is None:
            return ()
        try:
            return tuple(sorted(msgspec.json.decode(raw, type=list[str])[:MOST]))
        except msgspec.DecodeError:
            raise FatalError(f"{self.where}: the entry {NAMES} is none of tstream's: remove it") from None

    def set(self, name: str, value: str) -> None:
        self._call("set_password", name, checked(name, value))
        self._list({*self.names(), name})

    def remove(self, name: str) -> None:
        known = self.names()
        if self._call("get_password", name) is not None:
            self._call("delete_password", name)
        if name in known:
            self._list(set(known) - {name})

    def _list(self, names: Collection[str]) -> None:
        self._call("set_password", NAMES, msgspec.json.encode(sorted(names)).decode())

    def _call(self, what: str, *given: str) -> str | None:
        """Ask the keyring. What its library says of a failure may quote what it was given."""
        backend = self._backend()
        from keyring.errors import InitError, KeyringError, KeyringLocked

        try:
            answer: str | None = getattr(backend, what)(self._service, *given)
        except (KeyringLocked, InitError):
            raise RetryableError(f"{self.where} is locked: unlock it") from None
        except KeyringError as error:
            raise FatalError(f"{self.where}: {scrub(error, *given[1:])}") from None
        except Exception as error:  # noqa: BLE001  # of D-Bus and others beneath the library
            raise RetryableError(f"{self.where} does not answer ({type(error).__name__})") from None
        return answer

    def _backend(self) -> KeyringBackend:
        if self._found is None:
            try:
                import keyring
            except ImportError:
                raise FatalError("the keyring needs a package: pip install 'tstream[keyring]'") from None
            try:
                self._found = usable(keyring.get_keyring())
            except (ValueError, ImportError, RuntimeError) as error:  # its own settings name a wrong one
                raise FatalError(f"the keyring can't be opened: {scrub(error)}") from None
        return self._found


def usable(backend: Any) -> KeyringBackend:
    """The backend, where it keeps secrets. Raises FatalError with what to do instead."""
    several = getattr(backend, "backends", None)
    parts = list(several) if several is not None else [backend]
    if not parts or any(_name(one).startswith(_NO_KEYRING) for one in parts):
        raise FatalError("this machine has no keyring that is open to tstream: use the store file")
    for one in parts:
        if any(word in _name(one).lower() for word in _PLAIN):
            raise FatalError(f"the keyring {_name(one)} keeps secrets as plain text: use the store file")
    found: KeyringBackend = backend
    return found


def _name(backend: object) -> str:
    return f"{type(backend).__module__}.{type(backend).__qualname__}"
