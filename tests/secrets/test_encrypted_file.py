"""The encrypted file: what it gives away, what a change of any part of it comes to, and its mode."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.secrets import encrypted_file
from adapters.secrets.encrypted_file import EncryptedFile
from engine.model.errors import FatalError
from tests.secrets.conftest import PASSWORD

NAME, VALUE = "TSTREAM_PROJECTX_KEY", "canary-a-key-of-mine"


def store(path: Path, password: str = PASSWORD) -> EncryptedFile:
    return EncryptedFile(path, lambda _new: password)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    path = tmp_path / "secrets.json"
    store(path).set(NAME, VALUE)
    return path


def test_neither_names_nor_values_can_be_read(kept: Path) -> None:
    raw = kept.read_bytes()
    for text in (NAME, VALUE, PASSWORD):
        assert text.encode() not in raw
        assert base64.b64encode(text.encode())[:8] not in raw
    assert kept.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in kept.parent.iterdir()] == ["secrets.json"]


def test_the_real_parameters_are_written_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    path = tmp_path / "secrets.json"
    store(path).set(NAME, VALUE)
    header = json.loads(path.read_text())["header"]
    assert (header["n"], header["r"], header["p"]) == (65536, 8, 2)
    assert store(path).read([NAME]) == {NAME: VALUE}


def test_each_write_has_a_salt_and_a_nonce_of_its_own(kept: Path) -> None:
    seen = set()
    for _ in range(3):
        store(kept).set(NAME, VALUE)
        header = json.loads(kept.read_text())["header"]
        seen |= {header["salt"], header["nonce"]}
    assert len(seen) == 6


def test_a_wrong_password_is_told_and_shows_nothing(kept: Path) -> None:
    with pytest.raises(FatalError, match="password is wrong") as refused:
        store(kept, "canary-another-password").read([NAME])
    assert "canary" not in str(refused.value)
    with pytest.raises(FatalError, match="password is wrong"):
        store(kept, "canary-another-password").set(NAME, "canary-lost")
    assert store(kept).read([NAME]) == {NAME: VALUE}


CHANGES = [
    ("n", 512),
    ("n", 1 << 30),
    ("n", 1000),
    ("r", 4),
    ("r", 1 << 20),
    ("p", 1),
    ("p", 0),
    ("salt", base64.b64encode(bytes(16)).decode()),
    ("salt", "x"),
    ("nonce", base64.b64encode(bytes(12)).decode()),
    ("nonce", ""),
    ("version", 2),
    ("kdf", "none"),
    ("cipher", "none"),
    ("more", 1),
]


@pytest.mark.parametrize(("key", "value"), CHANGES)
def test_its_parameters_can_not_be_changed(kept: Path, key: str, value: object) -> None:
    told = json.loads(kept.read_text())
    told["header"][key] = value
    kept.write_text(json.dumps(told))
    with pytest.raises(FatalError, match=r"password is wrong|damaged|version 2"):
        store(kept).read([NAME])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(st.data())
def test_any_flipped_bit_is_found(kept: Path, data: st.DataObject) -> None:
    raw = kept.read_bytes()
    place = data.draw(st.integers(0, len(raw) * 8 - 1))
    changed = bytearray(raw)
    changed[place // 8] ^= 1 << place % 8
    kept.write_bytes(changed)
    try:
        # Of base64's last character some bits mean nothing, and JSON has more than one spelling.
        assert store(kept).read([NAME]) == {NAME: VALUE}
        assert json.loads(changed) != json.loads(raw) or changed.split() == raw.split()
    except FatalError:
        pass
    finally:
        kept.write_bytes(raw)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff\xfe", b"x" * (5 << 20)])
def test_what_is_no_such_file_is_refused(kept: Path, content: bytes) -> None:
    kept.write_bytes(content)
    with pytest.raises(FatalError, match="damaged"):
        store(kept).read([NAME])


def test_a_file_that_others_may_read_is_refused(kept: Path) -> None:
    kept.chmod(0o640)
    with pytest.raises(FatalError, match="chmod 600"):
        store(kept).read([NAME])


def test_a_link_is_not_followed(kept: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(kept)
    with pytest.raises(FatalError, match="it is a link"):
        store(link).read([NAME])


def test_a_file_that_is_full_takes_no_more(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encrypted_file, "MOST", 1)
    from engine.model.errors import RefusedError

    with pytest.raises(RefusedError, match="1 secrets at most"):
        store(kept).set("ANOTHER", "canary")
