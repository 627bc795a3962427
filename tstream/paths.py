"""Where tstream keeps its files: the platform's own folders, or all of it under TSTREAM_HOME."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from adapters.common.files import not_ours_alone, replace_file
from tstream.errors import UsageError

HOME_VARIABLE = "TSTREAM_HOME"
CONFIG_VARIABLE = "TSTREAM_CONFIG"
"""Names another settings file, as --config does."""
SSH_VARIABLE = "TSTREAM_SSH"
"""Names another program than ssh for `tstream attach`, which takes the same arguments."""
ORIGIN_VARIABLE = "TSTREAM_ATTACH_FROM"
"""Where whoever looks really is, said by what runs `tstream attach` for them: "a browser at 10.0.0.5"."""

DEMO = "_demo"
"""The folder of what is only played; no venue can have that name."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Paths:
    """Folders and the files in them. Nothing is created before `create`."""

    config: Path
    """tstream.toml and, beside it, .env"""
    data: Path
    """What must not be lost: journals, tapes, the practice venue's book."""
    state: Path
    """What may be lost: logs."""
    runtime: Path
    """What lives as long as the program: the control socket, locks."""
    home: bool = False
    """Everything is under TSTREAM_HOME."""

    def create(self) -> None:
        """Make the folders, readable for their owner only. Raises OSError; UsageError where others may write
        in one that is there.
        """
        folders = (self.config, self.data, self.state, self.runtime, self.practice)
        for folder in folders:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if wrong := [told for folder in folders if (told := not_ours_alone(folder))]:
            raise UsageError(*wrong)

    @property
    def settings_file(self) -> Path:
        return self.config / "tstream.toml"

    @property
    def api_tokens(self) -> Path:
        """Tokens of the REST API, hashed."""
        return self.config / "api-tokens.json"

    @property
    def themes(self) -> Path:
        """Colour themes of your own, one TOML file each."""
        return self.config / "themes"

    @property
    def practice(self) -> Path:
        """The practice venue's own book and market."""
        return self.data / "practice"

    @property
    def datasets(self) -> Path:
        """Recorded bars that `tstream data` keeps by name."""
        return self.data / "datasets"

    @property
    def models(self) -> Path:
        """Trained models, their cards and reports."""
        return self.data / "models"

    @property
    def demo(self) -> Paths:
        """The folders of --demo: what is played is never written where a real account's history is."""
        return replace(self, data=self.data / DEMO)

    @property
    def backups(self) -> Path:
        """Where backups are kept that are wanted nowhere else: not in the folder that they are of."""
        return self.data.with_name("backups" if self.home else f"{self.data.name}-backups")

    def bot(self, name: str) -> Path:
        """What the bot of a JSON file keeps for reading."""
        return self.data / "bots" / name

    def venue(self, name: str) -> Path:
        """The folder of one venue's journal and tapes; each venue has its own."""
        return self.data / name

    def journal(self, venue: str) -> Path:
        return self.venue(venue) / "journal.db"

    @property
    def history(self) -> Path:
        """What all journals tell, as SQL tables, where no PostgreSQL is set."""
        return self.data / "history.db"

    @property
    def files(self) -> Path:
        """JSON files and plain logs for other programs."""
        return self.state / ("files-demo" if self.data.name == DEMO else "files")

    def log(self, name: str = "tstream") -> Path:
        """JSON lines; every process has a file of its own."""
        return self.state / f"{name}.log.jsonl"

    @property
    def web_access_log(self) -> Path:
        """The same of `tstream web`, which is a process of its own."""
        return self.state / "web" / "access.log.jsonl"

    @property
    def access_log(self) -> Path:
        """JSON lines: who came in by which door, and what they commanded."""
        return self.state / "access.log.jsonl"

    @property
    def crash_log(self) -> Path:
        return self.state / "crash.log"

    @property
    def first_picture(self) -> Path:
        """What the cockpit's first picture shows, kept from the last good start."""
        return self.state / "first-picture.json"

    @property
    def screen_choices(self) -> Path:
        """Layouts and overlays that were chosen in the cockpit."""
        return self.state / "cockpit.json"

    @property
    def control_socket(self) -> Path:
        """Where the control socket is wanted; adapters.control finds a shorter place for a path too long."""
        return self.runtime / "control.sock"

    @property
    def _last_run(self) -> Path:
        return self.state / "last-run"

    def remember_run(self, journal: Path) -> None:
        """Note which journal the run that now starts writes; on a full disk it goes without."""
        try:
            replace_file(self._last_run, f"{journal.absolute()}\n".encode())
        except OSError as error:
            log.warning("%s can't be written: %s", self._last_run, error.strerror)

    def last_run(self) -> Path | None:
        """The journal of the last run; None before the first."""
        try:
            return Path(self._last_run.read_text(encoding="utf-8").rstrip("\n"))
        except FileNotFoundError:
            return None


def find(environ: Mapping[str, str] = os.environ) -> Paths:
    """The folders for this user and environment."""
    home = environ.get(HOME_VARIABLE)
    if home:
        root = Path(home).expanduser().absolute()
        return Paths(root, root / "data", root / "state", root / "run", home=True)
    from platformdirs import PlatformDirs

    dirs = PlatformDirs("tstream", appauthor=False)
    # Without a login session platformdirs would fall back to a folder in /tmp that anybody may have made.
    runtime = dirs.user_runtime_path if environ.get("XDG_RUNTIME_DIR") else dirs.user_state_path / "run"
    return Paths(dirs.user_config_path, dirs.user_data_path, dirs.user_log_path, runtime)


def account_locks() -> Path:
    """Where the locks of real logins and accounts are: one place for a user, whatever TSTREAM_HOME and the
    login session are.
    """
    from platformdirs import PlatformDirs

    return PlatformDirs("tstream", appauthor=False).user_state_path / "accounts"
