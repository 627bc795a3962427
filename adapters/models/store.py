"""The models of this installation: which there are, which one counts, and which ones did before
(docs/models.md#files).
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from adapters.common.files import owner_only, replace_file
from adapters.models.files import (
    DEEP,
    TREES,
    ModelFile,
    champion,
    is_name,
    path_of,
    read_model,
    set_champion,
    write_model,
)
from engine.model.errors import FatalError
from engine.model.opinion import ModelCard

CHANGES = "champions.json"
LOCK = ".lock"
MOST_MODELS = 50
"""That are kept: the oldest go, but none that counts or has counted lately."""
_MOST_CHANGES = 500
_MOST_BYTES = 1 << 20
_SPARED = 5
"""Newest champions whose files stay."""


class ChampionChange(Struct, frozen=True):
    """Another model counts from here on."""

    ts: int
    """Nanoseconds UTC."""
    name: str
    """Empty: none does, rules alone."""
    reason: str
    """For people."""
    back: bool = False
    """The one before it was put back."""


class ListedModel(Struct, frozen=True):
    """One model of the folder."""

    name: str
    is_champion: bool
    found: ModelFile | None
    problem: str = ""
    """Why it can't be asked; empty where it can."""


class ModelStore:
    """A folder of models. Whatever is wrong with one is told with that one; nothing is ever lost by it."""

    def __init__(self, folder: Path, feature_hash: str, features: int) -> None:
        """Models of so many features of that hash can be asked. Nothing is made before something is kept."""
        self.folder = folder
        self._feature_hash, self._features = feature_hash, features

    # -- looking -------------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Of all models, sorted, those among them that can't be read."""
        files = (file for end in (TREES, DEEP) for file in self.folder.glob(f"*{end}"))
        return sorted({file.stem for file in files if is_name(file.stem)})

    def read(self, name: str) -> ModelFile:
        """Raises FatalError where there is none of that name, or it can't be asked."""
        if name not in self.names():
            there = ", ".join(self.names())
            raise FatalError(f"there is no model {name}" + (f"; there are {there}" if there else ""))
        return read_model(path_of(self.folder, name), self._feature_hash, self._features)

    def listed(self) -> list[ListedModel]:
        """All of them, the newest first, those that can't be read last."""
        counts = self.champion()
        found = []
        for name in self.names():
            try:
                found.append(ListedModel(name, name == counts, self.read(name)))
            except FatalError as error:
                found.append(ListedModel(name, name == counts, None, str(error)))
        return sorted(found, key=lambda one: (one.found is None, -_created(one), one.name))

    def champion(self) -> str:
        """The name of the one that counts; empty where none does. Raises FatalError where that can't be
        told.
        """
        path = champion(self.folder)
        return "" if path is None else path.stem

    def changes(self) -> Sequence[ChampionChange]:
        """What has counted, the newest last. Raises FatalError for a file that is none."""
        file = self.folder / CHANGES
        try:
            if file.stat().st_size > _MOST_BYTES:
                raise FatalError(f"{file} is larger than {_MOST_BYTES >> 10} kB")
            return msgspec.json.decode(file.read_bytes(), type=list[ChampionChange])
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise FatalError(f"{file} can't be read: {error.strerror}") from None
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise FatalError(f"{file} is damaged ({error}): move it away; the champion stays") from None

    # -- changing ------------------------------------------------------------------------------------------

    def save(self, card: ModelCard, body: str | bytes) -> ModelFile:
        """Keep a model under its card's name, as write_model takes it; one of that name is replaced. Raises
        FatalError.
        """
        with self._alone():
            try:
                path = write_model(self.folder, card, body)
            except (OSError, ValueError) as error:
                raise FatalError(f"model {card.name} can't be kept: {error}") from None
            found = read_model(path, self._feature_hash, self._features)
            self._thin_out()
        return found

    def promote(self, name: str, reason: str, now: int) -> None:
        """Let a model count from `now` on, nanoseconds UTC. Raises FatalError where it can't be asked."""
        with self._alone():
            self.read(name)
            if name != self.champion():
                self._change(ChampionChange(now, name, reason))

    def roll_back(self, now: int) -> str:
        """Put back the champion before this one; gives its name, empty where rules are alone again. One that
        can't be asked any more is passed over. Raises FatalError where there is none before it.
        """
        with self._alone():
            counts = self.champion()
            if not counts:
                raise FatalError("no model counts: there is nothing to take back")
            before = _reigns(self.changes())
            while before and before.pop() != counts:
                pass  # those behind it never came to count
            passed: list[str] = []
            while before:
                try:
                    self.read(before[-1])
                    break
                except FatalError as error:
                    passed.append(f"{error}")
                    before.pop()
            name = before[-1] if before else ""
            told = f"{counts} was taken back"
            self._change(ChampionChange(now, name, "; ".join((told, *passed)), back=True))
        return name

    def _change(self, change: ChampionChange) -> None:
        """What has counted is written before what counts: a crash in between changes nothing."""
        changes = [*self.changes(), change][-_MOST_CHANGES:]
        try:
            body = msgspec.json.format(msgspec.json.encode(changes), indent=2)
            replace_file(self.folder / CHANGES, body + b"\n", durable=True)
            set_champion(self.folder, change.name or None)
        except OSError as error:
            raise FatalError(f"{self.folder} can't be written: {error.strerror}") from None

    def _thin_out(self) -> None:
        spared = {self.champion(), *_reigns(self.changes())[-_SPARED:]}
        others = [one for one in self.listed() if one.name not in spared and one.found is not None]
        for one in others[MOST_MODELS:]:
            for file in self.folder.glob(f"{one.name}.*"):
                if file.stem == one.name:
                    file.unlink(missing_ok=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two trainings at once take turns."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            stream = open(self.folder / LOCK, "wb", opener=owner_only)  # noqa: SIM115
        except OSError as error:
            raise FatalError(f"{self.folder} can't be written: {error.strerror}") from None
        with stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield


def _created(one: ListedModel) -> int:
    return 0 if one.found is None else one.found.card.created_ts


def _reigns(changes: Sequence[ChampionChange]) -> list[str]:
    """The champions that a roll-back goes through, the newest last."""
    found: list[str] = []
    for one in changes:
        if one.back:
            while found and found[-1] != one.name:
                found.pop()
        elif one.name:
            found.append(one.name)
    return found
