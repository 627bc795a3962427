"""What every store of secrets does alike, each on the real thing or one that speaks as it does."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.secrets.bounds import LONGEST_VALUE, checked
from adapters.secrets.environment import DotenvFile, EnvironmentVariables
from engine.model.errors import RefusedError
from tests.secrets.conftest import Reopen

KEY = "TSTREAM_PROJECTX_KEY"
PEM = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQ/Eq+8w==\n-----END EC PRIVATE KEY-----\n"


def test_what_is_kept_is_there_for_the_next_process(reopen: Reopen) -> None:
    assert reopen().read([KEY]) == {}
    assert tuple(reopen().names()) == ()
    reopen().set(KEY, "canary-one")
    reopen().set("TSTREAM_DISCORD_TOKEN", PEM)
    assert reopen().read([KEY, "TSTREAM_DISCORD_TOKEN", "TSTREAM_NOTIFY_SLACK_URL"]) == {
        KEY: "canary-one",
        "TSTREAM_DISCORD_TOKEN": PEM,
    }
    assert tuple(reopen().names()) == ("TSTREAM_DISCORD_TOKEN", KEY)
    reopen().set(KEY, "canary-two")
    assert reopen().read([KEY]) == {KEY: "canary-two"}
    reopen().remove(KEY)
    reopen().remove(KEY)
    assert reopen().read([KEY, "TSTREAM_DISCORD_TOKEN"]) == {"TSTREAM_DISCORD_TOKEN": PEM}


ODD = ["a'b\"c", "spaces and # marks", "${HOME} $x `id`", "ünïcødé ✓", "=a=b=", "\\n is two", "{'a': 1}"]


def test_odd_values_come_back_as_they_went(reopen: Reopen) -> None:
    for number, value in enumerate(ODD):
        reopen().set(f"ODD_{number}", value)
    names = [f"ODD_{number}" for number in range(len(ODD))]
    assert list(reopen().read(names).values()) == ODD


REFUSED = [
    (KEY, "", "is empty"),
    (KEY, "x" * (LONGEST_VALUE + 1), "more than 8192"),
    (KEY, "a\0b", "control characters"),
    (KEY, "\ud800", "control characters"),
    ("lower", "x", "capitals"),
    ("A B", "x", "capitals"),
    ("A" * 101, "x", "capitals"),
]


def test_what_no_store_can_hold_is_refused_and_not_shown(reopen: Reopen) -> None:
    store = reopen()
    for name, value, why in REFUSED:
        with pytest.raises(RefusedError, match=why) as refused:
            store.set(name, value)
        assert len(value) < 2 or value not in str(refused.value)
    assert tuple(reopen().names()) == ()


@given(st.text(min_size=1, max_size=40))
def test_a_value_is_taken_whole_or_refused(value: str) -> None:
    try:
        assert checked(KEY, value) == value
    except RefusedError as error:
        assert value not in str(error) or len(value) < 3  # noqa: PT017


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.lists(st.text("ab'\"\\ #$\n=", min_size=1, max_size=8), min_size=1, max_size=4))
def test_a_dotenv_holds_what_it_takes_whatever_else_is_in_it(
    tmp_path_factory: pytest.TempPathFactory, values: list[str]
) -> None:
    path = tmp_path_factory.mktemp("env") / ".env"
    path.write_text("# mine\nOTHER=1\n")
    kept: dict[str, str] = {}
    for number, value in enumerate(values):
        try:
            DotenvFile(path).set(f"K{number}", value)
        except RefusedError:
            continue
        kept[f"K{number}"] = value
    assert DotenvFile(path).read(["OTHER", *(f"K{n}" for n in range(9))]) == {"OTHER": "1", **kept}
    assert path.read_text().startswith("# mine\n")
    assert not kept or path.stat().st_mode & 0o777 == 0o600


def test_the_environment_is_read_only() -> None:
    store = EnvironmentVariables({KEY: "x", "EMPTY": ""})
    assert (store.read([KEY, "EMPTY", "NONE"]), store.names()) == ({KEY: "x"}, (KEY,))
    with pytest.raises(RefusedError, match="whoever starts tstream"):
        store.set(KEY, "y")
    with pytest.raises(RefusedError, match="whoever starts tstream"):
        store.remove(KEY)
