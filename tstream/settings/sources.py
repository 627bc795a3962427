"""Where settings come from: tstream.toml, .env files beside it and in the working folder, the environment.

Light to import: whether anything changed since the last start is asked before the first picture.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from tstream.paths import CONFIG_VARIABLE, HOME_VARIABLE, ORIGIN_VARIABLE, SSH_VARIABLE, Paths

PREFIX = "TSTREAM_"
"""Environment variables are this, the section, an underscore and the key: TSTREAM_RISK_MAX_TRADES."""
VENUE_PREFIX = f"{PREFIX}VENUES__"
"""Those of one venue are this, its name in capitals (_ for a hyphen), two underscores and the key:
TSTREAM_VENUES__APEX__KEY.
"""
SYNONYMS = {
    "API_TOKEN": "api.token",
    "DATABASE_URL": "history.url",
    "REDIS_URL": "redis.url",
    "NEWS_API_KEY": "sentiment.news_key",
    "TWITTER_API_KEY": "sentiment.x_key",
}
"""Names by which many programs are told the same, each with the key that it sets where our own variable does
not.
"""
BINANCE_LOGIN = {"BINANCE_API_KEY": "key", "BINANCE_API_SECRET": "secret"}
"""The same for the one venue of kind binance, by its keys."""
BINANCE_TESTNET = "BINANCE_TESTNET"
"""Whether that login is one of Binance's testnet: true, unless it says false."""
_PLAIN = {*SYNONYMS, *BINANCE_LOGIN, BINANCE_TESTNET}
RESERVED = {HOME_VARIABLE, CONFIG_VARIABLE, SSH_VARIABLE, ORIGIN_VARIABLE}
_SECRET_NAME = re.compile(
    r"key(?!map)|token|secret(?!s_)|passw|passphrase|credential|projectx|url|others", re.IGNORECASE
)


def dotenv_files(paths: Paths, file: Path) -> tuple[Path, ...]:
    """Beside the settings and, unless TSTREAM_HOME keeps everything together, in the working folder."""
    folders = [file.absolute().parent] + ([] if paths.home else [Path.cwd()])
    files = [folder / ".env" for folder in dict.fromkeys(folders)]
    return tuple(path for path in files if path.is_file())


def fingerprint(paths: Paths, file: Path, environ: Mapping[str, str] = os.environ) -> str:
    """The same as long as nothing was changed: hex digits of the contents of `file` and of our variables.

    Secrets are no part of it: of a .env file it holds size and time only. Raises OSError.
    """
    seen: list[object] = [str(file), file.read_bytes() if file.is_file() else None]
    for path in dotenv_files(paths, file):
        about = path.stat()
        seen += [str(path), about.st_size, about.st_mtime_ns]
    seen += sorted(
        (name, "" if _SECRET_NAME.search(name) else value)
        for name, value in environ.items()
        if (name.upper().startswith(PREFIX) and name.upper() not in RESERVED) or name.upper() in _PLAIN
    )
    return hashlib.sha256(repr(seen).encode()).hexdigest()
