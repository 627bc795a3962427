"""How often a time has been tested in: what every further look costs must not depend on who remembers it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from adapters.common.files import replace_file
from engine.lab.edges.analysis import Analysis
from tstream.errors import CommandError, UsageError

FILE = "looks.json"
"""Beside the analyses: the data that were tested in, each with the different searches that did."""


def looked(folder: Path, analysis: Analysis) -> int:
    """Note that a search is about to be tested, and give how many different ones its data have then seen. The
    same search again is no further look. Raises UsageError for a file that is none, CommandError where it
    can't be kept.
    """
    file = folder / FILE
    try:
        looks = msgspec.json.decode(file.read_bytes(), type=dict[str, list[str]])
    except FileNotFoundError:
        looks = {}
    except OSError as error:
        raise UsageError(f"can't read {file}: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise UsageError(f"{file} is damaged ({error}): looks that it had counted are unknown") from None
    searches = looks.setdefault(analysis.data_key, [])
    if analysis.search_key not in searches:
        searches.append(analysis.search_key)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(file, msgspec.json.format(msgspec.json.encode(looks)) + b"\n")
        except OSError as error:
            raise CommandError(f"can't write {file}: {error.strerror}") from None
    return len(searches)
