"""A model on disk: NAME.txt, LightGBM's own text, or NAME.safetensors, the weights of a deep one, and
NAME.json beside it, its card (docs/models.md#files).

Nothing of it is run to be read. In a folder of models the file `champion` holds the name of the one that
counts.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import msgspec
from msgspec import Struct

from adapters.common.files import replace_file
from adapters.models.deep.weights import shape_of
from engine.model.errors import FatalError
from engine.model.opinion import ModelCard

CHAMPION = "champion"
TREES, DEEP = ".txt", ".safetensors"
"""Ends of the files of the two kinds."""
MOST_BYTES = 64 << 20
MOST_CARD_BYTES = 1 << 20
MOST_FEATURES = 10_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_FEATURES = re.compile(r"^max_feature_idx=(\d{1,6})$", re.MULTILINE)


class ModelFile(Struct, frozen=True):
    """What was read, and checked as far as that goes without LightGBM and torch."""

    path: Path
    """Of the text, or of the weights."""
    card: ModelCard
    body: bytes
    hash: str
    """Of card and body together: what a prediction is known by, 16 hex digits."""

    @property
    def deep(self) -> bool:
        """Whether the body are the weights of a deep model, else LightGBM's text."""
        return self.path.suffix == DEEP

    @property
    def text(self) -> str:
        """The body as LightGBM wants it."""
        return self.body.decode("ascii")


def is_name(name: str) -> bool:
    """Whether a model may be called so: it is a file's name, and shown to people."""
    return _NAME.fullmatch(name) is not None and name != CHAMPION


def read_model(path: Path, feature_hash: str, features: int) -> ModelFile:
    """Read NAME.txt or NAME.safetensors and its card, of a model that takes so many features of that hash.
    Raises FatalError, with what is wrong in one line.
    """
    card_path = path.with_suffix(".json")
    raw_card, body = _bytes(card_path, MOST_CARD_BYTES), _bytes(path, MOST_BYTES)
    try:
        card = msgspec.json.decode(raw_card, type=ModelCard)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise FatalError(f"{card_path} is no card of a model: {error}") from None
    if card.feature_hash != feature_hash:
        raise FatalError(
            f"model {path.stem} refused: its features are {card.feature_hash[:16]} (version "
            f"{card.feature_version}), those of this tstream {feature_hash}: train it again"
        )
    if card.objection:
        raise FatalError(f"model {path.stem} refused: {card.objection}")
    taken, window = _asks_deep(path, body) if path.suffix == DEEP else (_asks_trees(path, body), 1)
    if taken != features:
        raise FatalError(f"model {path.stem} refused: its file takes {taken} features, there are {features}")
    if window != card.window:
        raise FatalError(
            f"model {path.stem} refused: its file takes {window} closes, its card says {card.window}"
        )
    if card.file_hash not in ("", _digest(body)):
        raise FatalError(
            f"model {path.stem} refused: {path} is not the file that its card was written for: damaged, or"
            " another's; train it again, or put both back"
        )
    return ModelFile(path, card, body, _digest(raw_card + b"\0" + body))


def _digest(what: bytes) -> str:
    return hashlib.sha256(what).hexdigest()[:16]


def _asks_trees(path: Path, body: bytes) -> int:
    """How many features LightGBM's text takes."""
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError:
        raise FatalError(f"model {path.stem} refused: {path} is not LightGBM's text format") from None
    found = _FEATURES.search(text[:10_000_000])
    if not text.startswith("tree\n") or found is None:
        raise FatalError(f"model {path.stem} refused: {path} is not LightGBM's text format")
    return int(found[1]) + 1


def _asks_deep(path: Path, body: bytes) -> tuple[int, int]:
    """How many features of how many closes the weights take."""
    try:
        shape = shape_of(body)
    except FatalError as error:
        raise FatalError(f"model {path.stem} refused: {path}: {error}") from None
    return shape.width, shape.window


def write_model(folder: Path, card: ModelCard, body: str | bytes) -> Path:
    """Keep a model under its card's name: LightGBM's text, or as bytes the weights of a deep one; gives the
    path of that. The card that is kept says which file it belongs to. Raises OSError, ValueError for a name
    that can't be a file's.
    """
    if not is_name(card.name):
        raise ValueError(f"{card.name!r} can't be the name of a model")
    deep = isinstance(body, bytes)
    path = folder / f"{card.name}{DEEP if deep else TREES}"
    written = body if isinstance(body, bytes) else body.encode("ascii")
    replace_file(path, written, durable=True)
    card = msgspec.structs.replace(card, file_hash=_digest(written))
    pretty = msgspec.json.format(msgspec.json.encode(card, order="deterministic"), indent=2)
    replace_file(folder / f"{card.name}.json", pretty + b"\n", durable=True)
    (folder / f"{card.name}{TREES if deep else DEEP}").unlink(missing_ok=True)
    return path


def path_of(folder: Path, name: str) -> Path:
    """The file of a model beside its card, whether it is there or not."""
    deep = folder / f"{name}{DEEP}"
    return deep if deep.exists() else folder / f"{name}{TREES}"


def champion(folder: Path) -> Path | None:
    """The file of the model that counts; None where none does. Raises FatalError where that can't be told."""
    pointer = folder / CHAMPION
    if not pointer.exists():
        return None
    name = _bytes(pointer, 200).decode("ascii", "replace").strip()
    if not is_name(name):
        raise FatalError(f"{pointer} names no model")
    return path_of(folder, name)


def set_champion(folder: Path, name: str | None) -> None:
    """Let a model count, or with None none. Raises OSError, ValueError for what can't be a model's name."""
    pointer = folder / CHAMPION
    if name is None:
        pointer.unlink(missing_ok=True)
        return
    if not is_name(name):
        raise ValueError(f"{name!r} can't be the name of a model")
    replace_file(pointer, f"{name}\n".encode("ascii"), durable=True)


def _bytes(path: Path, most: int) -> bytes:
    try:
        if path.stat().st_size > most:
            raise FatalError(f"{path} is larger than {most >> 10} kB")
        return path.read_bytes()
    except FileNotFoundError:
        raise FatalError(f"there is no {path}") from None
    except OSError as error:
        raise FatalError(f"{path} can't be read: {error.strerror or error}") from None
