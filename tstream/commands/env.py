"""tstream env: a .env to start from."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from adapters.common.files import owner_only
from tstream import paths
from tstream.errors import CommandError
from tstream.settings.env_file import env_text


def create(file: Path | None) -> int:
    """Write it for its owner alone; never over one that is there. Raises CommandError."""
    target = file or paths.find().config / ".env"
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(owner_only(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "w", encoding="utf-8") as stream:
            stream.write(env_text())
    except FileExistsError:
        raise CommandError(f"{target} is there already, and stays as it is; give another FILE") from None
    except OSError as error:
        raise CommandError(f"{target}: {error.strerror}") from error
    sys.stdout.write(f"{target} is written: fill in what you have, then run tstream check\n")
    return 0
