"""Files of deep models, without torch: whatever is not exactly one is refused in one line."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.models.deep.weights import KEY, MOST_HEADER_BYTES, DeepShape, shape_of
from adapters.models.files import champion, read_model, set_champion, write_model
from adapters.models.store import ModelStore
from engine.model.errors import FatalError
from engine.model.opinion import ModelCard
from tests.models.test_files import TEXT
from tests.support.deep_files import SHAPE, deep_file, framed

CARD = ModelCard("deep", 1, "abc", window=3)
HEAD = {"dtype": "F32", "shape": [4, 4], "data_offsets": [0, 64]}


def shaped(**changed: object) -> bytes:
    """A file whose shape says something else than its tensors."""
    told = msgspec.json.encode(msgspec.to_builtins(SHAPE) | changed).decode()
    return deep_file(__metadata__={KEY: told})


def test_what_was_written_is_read_and_known_by_its_hash(tmp_path: Path) -> None:
    path = write_model(tmp_path, CARD, deep_file())
    found = read_model(path, "abc", 2)
    kept = replace(found.card, file_hash="")
    assert (path.suffix, found.deep, kept, found.body) == (".safetensors", True, CARD, deep_file())
    other = read_model(write_model(tmp_path, CARD, deep_file(number=1.0)), "abc", 2)
    assert other.hash != found.hash, "its numbers count"
    store = ModelStore(tmp_path, "abc", 2)
    assert store.names() == ["deep"]
    set_champion(tmp_path, "deep")
    assert champion(tmp_path) == path
    plain = write_model(tmp_path, replace(CARD, window=1), TEXT)
    assert champion(tmp_path) == plain, "of one name there is one model"
    assert not path.exists()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "no safetensors file"),
        (b"\x80\x04pickle", "no safetensors file"),
        (framed(b"{}", b"")[:9], "no safetensors file"),
        ((MOST_HEADER_BYTES + 1).to_bytes(8, "little") + b" " * (MOST_HEADER_BYTES + 9), "no safetensors"),
        (framed(b"[" * 100_000, b""), "header is none"),
        (framed(b"\xff\xfe", b""), "header is none"),
        (framed({}, b""), "header is none"),
        (framed({"__metadata__": {KEY: "{}"}}, b""), "header is none"),
        (deep_file(__metadata__={KEY: 3}), "header is none"),
        (deep_file(head=None), "other tensors"),
        (deep_file(more=HEAD), "other tensors"),
        (deep_file(head={**HEAD, "dtype": "F64"}), "tensor head is not"),
        (deep_file(head={**HEAD, "shape": [4, 5]}), "tensor head is not"),
        (deep_file(head={**HEAD, "data_offsets": [0, 1 << 62]}), "is not what a deep model has"),
        (deep_file(head={**HEAD, "data_offsets": [-4, 60]}), "is not what a deep model has"),
        (deep_file(head={**HEAD, "shape": [4, -4]}), "is not what a deep model has"),
        (deep_file() + b"\x00", "not as many"),
        (deep_file()[:-4], "not as many"),
        (shaped(hidden=5), "sizes can't be"),
        (shaped(hidden=1 << 40), "sizes can't be"),
        (shaped(window=0), "sizes can't be"),
        (shaped(instruments=["x"] * 101), "sizes can't be"),
        (shaped(quantiles=[0.5, 0.5]), "quantiles do not rise"),
        (shaped(quantiles=[0.5, 1.5]), "quantiles do not rise"),
        (shaped(width=3), "is not what a deep model has"),
        (shaped(code="import os"), "header is none"),
    ],
)
def test_what_is_no_deep_model_is_refused_in_one_line(tmp_path: Path, body: bytes, says: str) -> None:
    path = write_model(tmp_path, CARD, body)
    with pytest.raises(FatalError, match=r"^model deep refused: [^\n]+$") as caught:
        read_model(path, "abc", 2)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("card", "features", "says"),
    [
        (CARD, 3, "its file takes 2 features, there are 3"),
        (replace(CARD, window=4), 2, "its file takes 3 closes, its card says 4"),
        (replace(CARD, window=65), 2, "it looks at 65 closes, where 1 to 64"),
        (replace(CARD, window=0), 2, "it looks at 0 closes"),
        (replace(CARD, feature_hash="old"), 2, "train it again"),
    ],
)
def test_a_card_that_does_not_fit_its_file_is_refused(
    tmp_path: Path, card: ModelCard, features: int, says: str
) -> None:
    path = write_model(tmp_path, card, deep_file())
    with pytest.raises(FatalError, match=says):
        read_model(path, "abc", features)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(deep_file()) - 1), st.binary(min_size=1, max_size=9))
def test_whatever_is_changed_in_a_file_it_is_one_or_refused(at: int, bytes_: bytes) -> None:
    whole = deep_file()
    with suppress(FatalError):
        found = shape_of(whole[:at] + bytes_ + whole[at + len(bytes_) :])
        assert isinstance(found, DeepShape)
        assert not found.objection
