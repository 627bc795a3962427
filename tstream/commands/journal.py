"""tstream journal: the fingerprint of a run."""

from __future__ import annotations

import sys
from pathlib import Path

from adapters.store.hashing import run_hash
from tstream import paths
from tstream.errors import CommandError


def journal_hash(file: Path | None) -> int:
    """Print the hash and the number of records of the last run. Raises PortError, CommandError."""
    journal = file or paths.find().last_run()
    if journal is None:
        raise CommandError("there is no run yet; start tstream once")
    found = run_hash(journal)
    sys.stdout.write(f"{found.hexdigest} {found.records} records\n")
    return 0
