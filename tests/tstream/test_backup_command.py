"""tstream backup: what is in one, what never is, and how it is put back."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from adapters.control.rest.idempotency import UsedKeys
from adapters.control.tokens import Scope, TokenFile
from adapters.store.backups.archive import BackupError
from adapters.store.backups.keeping import Keeping
from adapters.store.journal import SqliteJournal
from adapters.store.lock import HeldError, InstanceLock, lock_name
from adapters.store.reading import stored
from adapters.store.virtual import SyncJournal
from engine.model import records as r
from engine.model.events import LinkChanged, LinkState
from engine.model.restrictions import TradingState
from tests.support.waits import until
from tests.tstream.conftest import Reading
from tstream.cli import call
from tstream.clock import wall_ns
from tstream.options import RunOptions
from tstream.paths import Paths
from tstream.run import backups as work
from tstream.run.backup_service import LINK, BackupService, backup_place, backup_services, due
from tstream.run.backups import BackupPlace, backups, make
from tstream.run.restoring import SPARE_BOOTS, restore
from tstream.settings.load import load

HALT = r.StateChanged(ts=1, book=None, instrument=None, state=TradingState.HALTED, reason="by hand")
SECRETS = ("canary-key-1", "canary-token-2", "canary-practice-3")
HOUR = 3600 * 1_000_000_000


def fill(places: Paths, records: Sequence[r.AnyRecord] = (HALT,), venue: str = "topstepx") -> Paths:
    """What two venues and a person leave behind."""
    with SyncJournal(places.journal(venue), install="home") as journal:
        journal.append([r.encode(one) for one in records], journal.last_seq + 1)
    folder = places.venue(venue)
    (folder / "discord.json").write_text("{}")
    (folder / "armed.json").write_text('["50K"]')
    (folder / "key").write_text(SECRETS[2])
    (folder / "tapes").mkdir(exist_ok=True)
    (folder / "tapes" / "a.jsonl.gz").write_bytes(b"0" * 100)
    places.settings_file.write_text("[risk]\nmax_trades = 7\n")
    (places.config / ".env").write_text(f"TSTREAM_PROJECTX_USER=me\nTSTREAM_PROJECTX_KEY={SECRETS[0]}\n")
    places.themes.mkdir(exist_ok=True)
    (places.themes / "own.toml").write_text("[colours]\n")
    (places.bot("b")).mkdir(parents=True, exist_ok=True)
    (places.bot("b") / "trades.json").write_text("[]")
    return places


def place(places: Paths, keeping: Keeping = Keeping()) -> BackupPlace:  # noqa: B008 - a frozen value
    return BackupPlace(places, places.backups, keeping)


def inside(file: Path) -> dict[str, bytes]:
    with tarfile.open(file) as tar:
        return {one.name: tar.extractfile(one).read() for one in tar}  # type: ignore[union-attr]


def test_what_is_in_a_backup_and_what_never_is(places: Paths) -> None:
    fill(places)
    (places.themes / "leaky.toml").write_text(f"note = '{SECRETS[0]}'")
    (places.bot("b") / "link").symlink_to(places.config / ".env")
    made = make(place(places))
    found = inside(made.backup.file)
    assert set(found) == {
        "manifest.json", "data/topstepx/journal.db", "data/topstepx/discord.json", "data/bots/b/trades.json",
        "config/tstream.toml", "config/themes/own.toml",
    }  # fmt: skip
    assert not any(secret.encode() in body for body in found.values() for secret in SECRETS)
    assert sorted(made.left_out) == [
        "config/themes/leaky.toml: it holds a secret", "data/bots/b/link: it is a link"
    ]  # fmt: skip
    assert made.broken == ()


async def test_keys_of_the_api_that_were_used_are_known_after_a_restore_and_tokens_are_in_no_backup(
    places: Paths,
) -> None:
    fill(places)
    tokens = TokenFile(places.api_tokens)
    _, secret = tokens.create("script", (Scope.TRADE,), 1)
    file = places.venue("topstepx") / "api-keys.db"

    async def use(command: str) -> bool:
        """Whether a key of the API is taken for the first time."""
        keys = UsedKeys(file)
        try:
            return await keys.take(command, "asked", 1) is None
        finally:
            await keys.close()

    assert await use("before")
    made = make(place(places))
    found = inside(made.backup.file)
    assert "data/topstepx/api-keys.db" in found
    assert not any(name.endswith("api-tokens.json") for name in found)
    assert not any(secret.encode() in body for body in found.values())
    assert await use("after")
    restore(places, made.backup.file)
    assert not await use("before")
    assert not await use("after"), "it was used since the backup, and trades once more"
    assert [one.name for one in tokens.read()] == ["script"]
    file.write_bytes(b"damaged" * 100)
    restore(places, made.backup.file)
    assert not await use("before")
    shutil.rmtree(places.data)
    places.create()
    restore(places, made.backup.file)
    assert not await use("before")


def test_the_settings_of_a_run_are_those_that_it_was_given(places: Paths, tmp_path: Path) -> None:
    fill(places)
    other = tmp_path / "other.toml"
    other.write_text("[risk]\nmax_trades = 3\n")
    settings = load(places, other).settings
    (service,) = backup_services(settings, places, RunOptions(), lambda event: None, lambda: 0, other)
    assert service.name == "backups"
    made = make(backup_place(settings, places, other))
    assert inside(made.backup.file)["config/tstream.toml"] == b"[risk]\nmax_trades = 3\n"
    for aside in (RunOptions(demo=True), RunOptions(tape=other, contract="MNQ")):
        assert not [*backup_services(settings, places, aside, lambda event: None, lambda: 0)]


def test_settings_that_are_not_right_stay_outside_and_journals_do_not(places: Paths) -> None:
    fill(places)
    places.settings_file.write_text('[projectx]\nkey = "canary-in-the-file"\n')
    made = make(place(places))
    assert b"canary-in-the-file" not in b"".join(inside(made.backup.file).values())
    assert made.left_out == ("config/tstream.toml: it is not right as it stands (tstream check says why)",)


def test_one_damaged_journal_does_not_cost_the_others(places: Paths) -> None:
    fill(places)
    fill(places, venue="old")
    places.journal("old").write_bytes(b"nonsense" * 1000)
    made = make(place(places))
    assert [mark.venue for mark in made.manifest.journals] == ["topstepx"]
    assert len(made.broken) == 1
    assert made.broken[0].startswith("data/old/journal.db: ")


def test_older_ones_are_thinned_out_and_kept_ones_are_not(places: Paths) -> None:
    fill(places)
    now = wall_ns()
    for days in (3, 2, 1):
        make(place(places), keep=days == 3, now=lambda days=days: now - days * 24 * HOUR)  # type: ignore[misc]
    made = make(place(places, Keeping(1, 0, 0)), now=lambda: now)
    assert [one.by_hand for one in backups(places.backups)] == [False, True]
    assert len(made.removed) == 2
    with pytest.raises(BackupError, match="in one second"):
        make(place(places), now=lambda: now)


def test_what_a_killed_backup_leaves_is_swept_and_two_at_once_are_refused(places: Paths) -> None:
    fill(places)
    (places.backups / ".making-x").mkdir(parents=True)
    (places.backups / ".tstream-20260101T000000Z.tar.gz.new").write_bytes(b"half")
    assert backups(places.backups) == []
    make(place(places))
    assert not [one for one in places.backups.iterdir() if one.name.startswith((".making", ".tstream"))]
    with (
        InstanceLock(places.backups / ".lock", "x", wall_ns),
        pytest.raises(HeldError, match="is held by the tstream with process id"),
    ):
        make(place(places))


def test_a_folder_that_others_may_write_in_is_refused(places: Paths) -> None:
    fill(places)
    places.backups.mkdir(mode=0o700)
    places.backups.chmod(0o777)
    with pytest.raises(BackupError, match="others may write in"):
        make(place(places))


# --- restoring ---


def test_the_journal_comes_back_and_what_was_there_is_moved_aside(places: Paths, home: Path) -> None:
    fill(places)
    file = make(place(places)).backup.file
    fill(places, [HALT, HALT])
    places.settings_file.write_text("[risk]\nmax_trades = 5\n")
    (places.venue("topstepx") / "journal.db.newest").write_text("home 3\n")
    done = restore(places, file)
    assert [r.decode(raw) for _, raw in stored(places.journal("topstepx"))] == [HALT]
    assert done.aside is not None
    assert len([*stored(done.aside / "data/topstepx/journal.db")]) == 3
    assert not (places.venue("topstepx") / "journal.db.newest").exists()
    assert (places.settings_file in done.kept, places.settings_file.read_text()) == (
        True,
        "[risk]\nmax_trades = 5\n",
    )
    assert (places.venue("topstepx") / "armed.json").exists(), "it is what a person said last"
    again = restore(places, file, settings_too=True)
    assert (again.kept, places.settings_file.read_text()) == ((), "[risk]\nmax_trades = 7\n")


async def test_the_next_run_knows_that_it_stands_on_a_backup(places: Paths) -> None:
    fill(places)
    made = make(place(places))
    for boot in range(2, 5):  # runs since then, which may have given out client ids
        async with await SqliteJournal.open(places.journal("topstepx")) as journal:
            assert (journal.boot, journal.restored_ns) == (boot, 0)
    restore(places, made.backup.file)
    async with await SqliteJournal.open(places.journal("topstepx")) as journal:
        assert journal.restored_ns == made.manifest.made_ns
        assert journal.boot > 4 + SPARE_BOOTS, "no client id can come twice"


def test_a_lost_folder_comes_back_whole_without_arming_anybody(places: Paths) -> None:
    fill(places)
    file = make(place(places)).backup.file
    shutil.rmtree(places.data)
    places.settings_file.unlink()
    done = restore(places, file)
    assert done.aside is None
    assert places.settings_file.read_text() == "[risk]\nmax_trades = 7\n"
    assert (places.bot("b") / "trades.json").read_text() == "[]"
    assert not (places.venue("topstepx") / "armed.json").exists()


@pytest.mark.parametrize("what", ["engine", "journal"])
def test_nothing_is_restored_while_an_engine_is_at_work(places: Paths, what: str) -> None:
    fill(places)
    file = make(place(places)).backup.file
    before = places.journal("topstepx").read_bytes()
    lock = places.runtime / lock_name("topstepx")
    if what == "engine":
        with InstanceLock(lock, "topstepx", wall_ns), pytest.raises(HeldError, match="stop that one first"):
            restore(places, file)
    else:
        with SyncJournal(places.journal("topstepx")), pytest.raises(HeldError):
            restore(places, file)
        return
    assert places.journal("topstepx").read_bytes() == before
    assert not [*places.data.glob(".restoring-*")]


def test_a_backup_with_files_that_are_not_ours_is_refused(places: Paths, tmp_path: Path) -> None:
    from adapters.store.backups.archive import FORMAT, BackupManifest, pack, part_of

    fill(places)
    staged = tmp_path / "staged"
    (staged / "data/topstepx").mkdir(parents=True)
    (staged / "data/topstepx/armed.json").write_text('["50K"]')
    parts = (part_of(staged, "data/topstepx/armed.json"),)
    pack(tmp_path / "x.tar.gz", staged, BackupManifest(FORMAT, 5, "tstream", parts))
    with pytest.raises(BackupError, match="a file that no backup of this tstream has"):
        restore(places, tmp_path / "x.tar.gz")


# --- beside the engine ---


@pytest.mark.parametrize(
    ("last", "now", "wanted"),
    [(0, 6, True), (1, 6, False), (1, 7, True), (7, 1, True), (2, 1, False), (100, 1, True)],
)
def test_when_one_is_due(last: int, now: int, wanted: bool) -> None:
    assert due(last * HOUR, now * HOUR, 6 * HOUR) is wanted


async def test_the_service_makes_one_proves_it_and_tells_failures_once(
    reading: Reading, places: Paths
) -> None:
    settings = reading("[backup]\nhours = 1\n").settings
    heard: list[LinkChanged] = []
    kept = backup_place(settings, places)
    service = BackupService(settings, kept, heard.append, lambda: 7)
    running = asyncio.create_task(service.run(0, 0.01, 0.01))
    try:
        await until(lambda: len(heard) > 1)  # nothing to back up yet
        assert {(one.link, one.state) for one in heard} == {(LINK, LinkState.DOWN)}
        assert "there is no journal in" in heard[0].detail
        fill(places)
        await until(lambda: heard[-1].state is LinkState.LIVE)
        (only,) = backups(places.backups)
        assert set(work.verified(places.backups)) == {only.file.name}
    finally:
        running.cancel()


# --- the command line ---

Out = pytest.CaptureFixture[str]


def test_create_list_verify_and_restore(places: Paths, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call(["backup", "create"]) == 1
    assert "there is no journal in" in capsys.readouterr().err
    fill(places)
    assert call(["backup", "create"]) == 0
    assert re.search(r"\.tar\.gz, 0\.0 MB\n  topstepx: journal up to record 1\n", capsys.readouterr().out)
    assert call(["backup", "list"]) == 0
    assert "records: topstepx 1; not proven yet" in capsys.readouterr().out
    assert call(["backup", "verify"]) == 0
    assert "1 records fold to a state" in capsys.readouterr().out
    assert call(["backup", "list", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["records"], row["problem"]) == ({"topstepx": 1}, None)
    assert row["verified"]
    assert call(["backup", "restore", "newest"]) == 2
    assert "say --yes" in capsys.readouterr().err
    assert call(["backup", "restore", Path(row["file"]).name, "--yes"]) == 0
    assert "enters nothing until you resume" in capsys.readouterr().out
    assert call(["backup", "restore", "absent", "--yes"]) == 2


def test_with_its_folder_named_a_backup_needs_no_settings(places: Paths, capsys: Out) -> None:
    fill(places)
    places.settings_file.write_text("nonsense = 1\n")
    assert call(["backup", "create"]) == 2
    assert call(["backup", "create", "--folder", str(places.backups)]) == 0
    assert "not in it: config/tstream.toml" in capsys.readouterr().out


def test_a_record_that_no_tstream_wrote_is_found(places: Paths, capsys: Out) -> None:
    fill(places)
    with SyncJournal(places.journal("topstepx")) as journal:
        journal.append([b'{"record":"martian"}'], 2)
    assert call(["backup", "create"]) == 0
    assert call(["backup", "verify"]) == 1
    assert "record 2 can't be read" in capsys.readouterr().err


def test_the_folder_is_beside_what_it_is_of(places: Paths, complaints: Callable[..., list[str]]) -> None:
    assert not places.backups.is_relative_to(places.data)
    assert backup_place(load(places).settings, places).folder == places.backups
    assert 'backup.folder = "here"' in complaints('[backup]\nfolder = "here"')[0]
