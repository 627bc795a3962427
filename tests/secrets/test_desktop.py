"""The keyring of the desktop: which are refused, and what its library's errors come to."""

from __future__ import annotations

import keyring
import pytest
from keyring.backends import fail, null
from keyring.errors import KeyringLocked, PasswordSetError

from adapters.secrets.desktop import SystemKeyring, usable
from engine.model.errors import FatalError, RetryableError
from tests.secrets.conftest import DesktopKeyring

NAME = "TSTREAM_PROJECTX_KEY"


class PlaintextKeyring(DesktopKeyring):
    """As keyrings.alt calls the one that writes a readable file."""


class Chain(DesktopKeyring):
    """Several behind each other, as the library's own chain has them."""

    def __init__(self) -> None:
        super().__init__()
        self.backends: list[object] = []


def test_backends_that_keep_nothing_or_nothing_secret_are_refused(desktop: DesktopKeyring) -> None:
    for backend in (fail.Keyring(), null.Keyring()):  # type: ignore[no-untyped-call]
        with pytest.raises(FatalError, match="no keyring"):
            usable(backend)
    with pytest.raises(FatalError, match="plain text"):
        usable(PlaintextKeyring())
    chain = Chain()
    with pytest.raises(FatalError, match="no keyring"):
        usable(chain)
    chain.backends += [desktop, PlaintextKeyring()]
    with pytest.raises(FatalError, match="plain text"):
        usable(chain)
    assert usable(desktop) is desktop


def test_the_machine_without_a_keyring_is_told_what_to_do() -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())  # type: ignore[no-untyped-call]
    try:
        with pytest.raises(FatalError, match="use the store file"):
            SystemKeyring("tstream").set(NAME, "canary")
    finally:
        keyring.set_keyring(before)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (KeyringLocked("locked: canary-value"), RetryableError),
        (PasswordSetError("can't store canary-value"), FatalError),
        (OSError("D-Bus: canary-value"), RetryableError),
    ],
)
def test_errors_of_the_library_are_two_of_ours_and_quote_nothing(
    desktop: DesktopKeyring, error: Exception, kind: type[Exception]
) -> None:
    desktop.error = error
    with pytest.raises(kind) as refused:
        SystemKeyring("tstream").set(NAME, "canary-value")
    assert "canary" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_an_entry_by_another_hand_is_read_too(desktop: DesktopKeyring) -> None:
    desktop.set_password("tstream", NAME, "canary")
    assert SystemKeyring("tstream").read([NAME]) == {NAME: "canary"}
    assert SystemKeyring("tstream").names() == ()
