"""A model on disk: NAME.txt, LightGBM's own text, and NAME.json beside it, its card (docs/models.md#files).

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
from engine.model.errors import FatalError
from engine.model.opinion import ModelCard

CHAMPION = "champion"
MOST_BYTES = 64 << 20
MOST_CARD_BYTES = 1 << 20
MOST_FEATURES = 10_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_FEATURES = re.compile(r"^max_feature_idx=(\d{1,6})$", re.MULTILINE)


class ModelFile(Struct, frozen=True):
    """What was read, and checked as far as that goes without LightGBM."""

    path: Path
    """Of the text."""
    card: ModelCard
    text: str
    hash: str
    """Of card and text together: what a prediction is known by, 16 hex digits."""


def is_name(name: str) -> bool:
    """Whether a model may be called so: it is a file's name, and shown to people."""
    return _NAME.fullmatch(name) is not None and name != CHAMPION


def read_model(path: Path, feature_hash: str, features: int) -> ModelFile:
    """Read NAME.txt and its card, of a model that takes so many features of that hash. Raises FatalError,
    with what is wrong in one line.
    """
    card_path = path.with_suffix(".json")
    raw_card, raw_text = _bytes(card_path, MOST_CARD_BYTES), _bytes(path, MOST_BYTES)
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
    try:
        text = raw_text.decode("ascii")
    except UnicodeDecodeError:
        raise FatalError(f"model {path.stem} refused: {path} is not LightGBM's text format") from None
    found = _FEATURES.search(text[:10_000_000])
    if not text.startswith("tree\n") or found is None:
        raise FatalError(f"model {path.stem} refused: {path} is not LightGBM's text format")
    taken = int(found[1]) + 1
    if taken != features:
        raise FatalError(f"model {path.stem} refused: its file takes {taken} features, there are {features}")
    return ModelFile(path, card, text, hashlib.sha256(raw_card + b"\0" + raw_text).hexdigest()[:16])


def write_model(folder: Path, card: ModelCard, text: str) -> Path:
    """Keep a model under its card's name; gives the path of its text. Raises OSError, ValueError for a name
    that can't be a file's.
    """
    if not is_name(card.name):
        raise ValueError(f"{card.name!r} can't be the name of a model")
    path = folder / f"{card.name}.txt"
    replace_file(path, text.encode("ascii"), durable=True)
    pretty = msgspec.json.format(msgspec.json.encode(card, order="deterministic"), indent=2)
    replace_file(path.with_suffix(".json"), pretty + b"\n", durable=True)
    return path


def champion(folder: Path) -> Path | None:
    """The text of the model that counts; None where none does. Raises FatalError where that can't be told."""
    pointer = folder / CHAMPION
    if not pointer.exists():
        return None
    name = _bytes(pointer, 200).decode("ascii", "replace").strip()
    if not is_name(name):
        raise FatalError(f"{pointer} names no model")
    return folder / f"{name}.txt"


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
