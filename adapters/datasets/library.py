"""The datasets of this installation: a Parquet file and its card (JSON) for each, in one folder."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from msgspec.structs import replace

from adapters.common.files import owner_only, replace_file
from adapters.datasets.adjust import back_adjusted
from adapters.datasets.duck import DatasetError, connected, quoted
from engine.model.datasets import Dataset
from engine.model.market import Bar

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_COLUMNS = ("open_ts", "open", "high", "low", "close", "volume")
_AT_ONCE = 16_384
VERSION = 1


class Library:
    """Finds, reads, writes and removes datasets. Nothing is made before something is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """Of all datasets, sorted."""
        return sorted(file.stem for file in self.folder.glob("*.json") if _NAME.fullmatch(file.stem))

    def has(self, name: str) -> bool:
        return bool(_NAME.fullmatch(name)) and self._card(name).exists()

    def find(self, name: str) -> Dataset:
        """Its card. Raises DatasetError where there is none of that name, or it is not whole."""
        checked(name)
        try:
            found = msgspec.json.decode(self._card(name).read_bytes(), type=Dataset)
            size = self.file(name).stat().st_size
        except FileNotFoundError:
            raise DatasetError(self._missing(name)) from None
        except OSError as error:
            raise DatasetError(f"dataset {name}: {error.strerror}") from None
        except msgspec.DecodeError as error:
            raise DatasetError(f"dataset {name}: its card {self._card(name)} is damaged: {error}") from None
        if found.version > VERSION:
            raise DatasetError(f"dataset {name} is of version {found.version}: a newer tstream wrote it")
        if size != found.size:
            raise DatasetError(
                f"dataset {name} is not whole: {size:,} bytes instead of {found.size:,}; import it again"
            )
        return found

    def file(self, name: str) -> Path:
        """Its Parquet file: open_ts in nanoseconds UTC, prices in ticks, volume in lots, contract."""
        return self.folder / f"{name}.parquet"

    def bars(
        self, name: str, start: int | None = None, end: int | None = None, *, adjusted: bool = False
    ) -> Iterator[Bar]:
        """The bars that open in [start, end), nanoseconds UTC, oldest first.

        `adjusted` takes the gaps of the rolls out, for indicators only. Raises DatasetError.
        """
        dataset = self.find(name)
        found = self._bars(dataset, start, end)
        return back_adjusted(found, dataset.rolls) if adjusted else found

    def _bars(self, dataset: Dataset, start: int | None, end: int | None) -> Iterator[Bar]:
        symbol, timeframe = dataset.instrument.symbol, dataset.timeframe
        where = " AND ".join(
            f"open_ts {sign} {int(ts)}" for sign, ts in ((">=", start), ("<", end)) if ts is not None
        )
        with connected() as connection:
            asked = connection.execute(
                f"SELECT {', '.join(_COLUMNS)} FROM read_parquet({quoted(self.file(dataset.name))}) "
                f"WHERE {where or 'true'} ORDER BY open_ts"
            )
            while rows := asked.fetchmany(_AT_ONCE):
                for row in rows:
                    yield Bar(symbol, timeframe, *row)

    def kept(self, name: str) -> tuple[list[Bar], list[str]]:
        """All its bars, and the contract of each. Raises DatasetError."""
        bars = list(self.bars(name))
        with connected() as connection:
            rows = connection.execute(
                f"SELECT coalesce(contract, '') FROM read_parquet({quoted(self.file(name))}) ORDER BY open_ts"
            ).fetchall()
        return bars, [contract for (contract,) in rows]

    def save(self, dataset: Dataset, bars: Iterable[Bar], contracts: Iterable[str]) -> Dataset:
        """Keep the bars, in the order of their times, each with the contract that it is of ("" where nobody
        says); a dataset of that name is replaced. Gives the card as it was written. Raises DatasetError.
        """
        checked(dataset.name)
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.folder) as work:
                table, fresh = Path(work) / "bars.csv", Path(work) / "bars.parquet"
                with open(table, "w", encoding="utf-8", newline="", opener=owner_only) as out:
                    for bar, contract in zip(bars, contracts, strict=True):
                        out.write(
                            f"{bar.open_ts},{bar.open},{bar.high},{bar.low},{bar.close},{bar.volume},"
                            f"{_plain(contract)}\n"
                        )
                _to_parquet(table, fresh)
                written = replace(dataset, size=fresh.stat().st_size, version=VERSION)
                fresh.chmod(0o600)
                os.replace(fresh, self.file(dataset.name))
            replace_file(self._card(dataset.name), msgspec.json.format(msgspec.json.encode(written)) + b"\n")
        except OSError as error:
            raise DatasetError(f"dataset {dataset.name} can't be written: {error.strerror}") from None
        return written

    def remove(self, name: str) -> None:
        """Delete a dataset, the card first. Raises DatasetError where there is none."""
        checked(name)
        try:
            self._card(name).unlink()
            self.file(name).unlink(missing_ok=True)
        except FileNotFoundError:
            raise DatasetError(self._missing(name)) from None
        except OSError as error:
            raise DatasetError(f"dataset {name} can't be removed: {error.strerror}") from None

    def _card(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def _missing(self, name: str) -> str:
        known = ", ".join(self.names())
        return f"no dataset is called {name}; " + (
            f"there are {known}" if known else "there is none yet: tstream data import FILE makes one"
        )


def checked(name: str) -> str:
    """A name that a dataset may have. Raises DatasetError."""
    if not _NAME.fullmatch(name):
        raise DatasetError(
            f"{name!r} can't be a dataset's name: up to 64 of a-z, 0-9, dot, dash and underscore, as in es-1m"
        )
    return name


def _plain(contract: str) -> str:
    return "".join(c for c in contract if c.isalnum() or c in " .:_-/!=@")


def _to_parquet(table: Path, fresh: Path) -> None:
    columns = "{" + ", ".join(f"'{name}': 'BIGINT'" for name in _COLUMNS) + ", 'contract': 'VARCHAR'}"
    rows = f"read_csv({quoted(table)}, header = false, delim = ',', columns = {columns})"
    with connected() as connection:
        connection.execute(
            f"COPY (SELECT * FROM {rows} ORDER BY open_ts) "
            f"TO {quoted(fresh)} (FORMAT parquet, COMPRESSION zstd)"
        )
