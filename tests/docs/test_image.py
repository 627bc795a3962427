"""The Dockerfile by rules: no engine builds it here, so what can be read of it is read."""

from __future__ import annotations

import re
import shlex
import tomllib

import pytest

from tests.docs.pages import ROOT, text

LINES = [
    line
    for line in re.sub(
        r"\\\n", " ", re.sub(r"^#.*\n", "", text(ROOT / "Dockerfile"), flags=re.MULTILINE)
    ).splitlines()
    if line.strip()
]
STEPS = [(line.split()[0], line.partition(" ")[2].strip()) for line in LINES]


def said(word: str) -> list[str]:
    return [rest for name, rest in STEPS if name == word]


def test_every_base_is_pinned_to_a_version_and_slim() -> None:
    bases = [rest.split()[0] for rest in said("FROM")]
    assert len(bases) == 2
    for base in bases:
        assert re.fullmatch(r"python:3\.\d+\.\d+-slim-[a-z]+", base), base
    supported = tomllib.loads(text(ROOT / "pyproject.toml"))["project"]["requires-python"]
    assert supported == ">=3.11"


def test_it_runs_as_somebody_without_rights_and_says_whether_it_is_well() -> None:
    last_from = max(n for n, (name, _) in enumerate(STEPS) if name == "FROM")
    (user,) = [rest for name, rest in STEPS[last_from:] if name == "USER"]
    assert user not in ("root", "0")
    assert any(
        name == "RUN" and re.search(rf"useradd .*\b{user}\b", rest) for name, rest in STEPS[last_from:]
    )
    (health,) = said("HEALTHCHECK")
    assert 'CMD ["tstream", "status"' in health
    assert said("STOPSIGNAL") == ["SIGTERM"]
    assert said("ENTRYPOINT") == ['["tstream"]'], "no shell stands between it and its signals"


def test_what_is_copied_is_there_and_is_let_through() -> None:
    ignored = text(ROOT / ".dockerignore").splitlines()
    assert ignored[1] == "*", "what is not named stays outside"
    let_through = {line[1:] for line in ignored if line.startswith("!")}
    copied = set()
    for rest in said("COPY"):
        if not rest.startswith("--from"):
            copied |= set(shlex.split(rest)[:-1])
    assert copied == let_through
    for name in copied:
        assert (ROOT / name).exists(), name
    packages = tomllib.loads(text(ROOT / "pyproject.toml"))["tool"]["hatch"]["build"]["targets"]["wheel"][
        "packages"
    ]
    assert set(packages) <= copied


def test_what_it_installs_is_pinned_and_an_extra_that_there_is() -> None:
    (install,) = [rest for rest in said("RUN") if "pip install" in rest]
    assert "-c constraints.txt" in install
    extras = re.search(r'"\.\[([\w,]+)\]"', install)
    assert extras
    assert (
        set(extras[1].split(","))
        <= tomllib.loads(text(ROOT / "pyproject.toml"))["project"]["optional-dependencies"].keys()
    )


@pytest.mark.parametrize("word", ["ENV", "ARG", "COPY", "RUN"])
def test_no_secret_is_part_of_it(word: str) -> None:
    for rest in said(word):
        assert not re.search(r"(key|token|secret|passw|credential|\.env\b)", rest, re.IGNORECASE), rest
