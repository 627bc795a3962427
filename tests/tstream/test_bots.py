"""[[bots]]: strategies by entry point, parameters by their own schema, and what is said of wrong ones."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from engine.books.bots import needed, weighing
from engine.model.bots import BotMode
from engine.model.instrument import CME_FUTURES
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, Timeframe
from engine.model.sizing import ByEquity
from engine.strategies.indicators.entries import RsiBbVolume
from engine.strategies.indicators.strategy import Indicators
from tests.docs.pages import DOCS, text
from tests.tstream.conftest import Reading
from tstream.cli import call
from tstream.convert.bots import bots, kinds, parameters
from tstream.errors import SettingsError

PACKAGE = """
from typing import Annotated
import msgspec

class Config(msgspec.Struct, frozen=True):
    bars: Annotated[int, msgspec.Meta(ge=2, le=200)] = 20
    loud: bool = False

class Breakout:
    Config = Config
    name = "breakout"
    def __init__(self, config):
        self.config = config
    def on_bars(self, closed, board):
        return ()
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with an entry point, as pip would leave it."""
    site = tmp_path / "site"
    about = site / "my_breakout-1.0.dist-info"
    about.mkdir(parents=True)
    (site / "my_breakout.py").write_text(PACKAGE, encoding="utf-8")
    (about / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: my-breakout\nVersion: 1.0\n", encoding="utf-8"
    )
    points = "[tstream.strategies]\nbreakout = my_breakout:Breakout\n"
    (about / "entry_points.txt").write_text(points, encoding="utf-8")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, "my_breakout", raising=False)


def test_without_bots_the_one_of_the_strategy_section_trades_everything(reading: Reading) -> None:
    [one] = bots(reading("[strategy]\nmin_score = 7").settings)
    assert (one.name, one.config.configured, one.config.min_score_tenths) == ("zones", False, None)
    assert one.strategy.config.min_score_tenths == 70  # type: ignore[attr-defined]


@pytest.mark.usefixtures("installed")
def test_bots_have_strategies_parameters_and_terms(reading: Reading) -> None:
    text = """
    [[bots]]
    name = "fast"
    params = { min_score = 5.5 }
    instruments = ["mnq"]
    timeframes = ["1m"]
    books = ["practice"]
    mode = "signals"
    cooldown_minutes = 3
    [[bots]]
    name = "early"
    strategy = "breakout"
    params = { bars = 30 }
    min_score = 4
    sizing = { kind = "equity" }
    """
    fast, early = bots(reading(text).settings)
    assert (fast.config.mode, fast.config.instruments) == (BotMode.SIGNALS, ("MNQ",))
    assert (fast.config.timeframes, fast.config.books) == ((Timeframe.M1,), ("practice",))
    assert (fast.config.cooldown_ns, fast.config.min_score_tenths) == (3 * MINUTE, 55)
    assert (early.config.strategy, early.config.min_score_tenths) == ("breakout", 40)
    assert early.config.sizing == ByEquity()
    assert early.strategy.config.bars == 30  # type: ignore[attr-defined]
    listed = parameters(kinds()["breakout"])
    assert listed == {"bars": "a whole number, at least 2, at most 200", "loud": "true or false"}


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('strategy = "zone"', 'bots[0].strategy = "zone": must be one of breakout, indicators, zones'),
        (
            'strategy = "breakout"\nparams = { bar = 3 }',
            "bots[0].params.bar: unknown parameter; breakout has bars, loud",
        ),
        (
            'strategy = "breakout"\nparams = { bars = 1 }',
            "bots[0].params.bars = 1: must be a whole number, at least 2, at most 200",
        ),
        (
            'strategy = "breakout"\nparams = { bars = "many" }',
            'bots[0].params.bars = "many": must be a whole number, at least 2, at most 200',
        ),
        (
            'strategy = "breakout"\nparams = { loud = 1 }',
            "bots[0].params.loud = 1: must be true or false",
        ),
        (
            'strategy = "indicators"\nparams.entry = { kind = "rsi_bb", rsi_length = 1 }',
            "bots[0].params.entry.rsi_length = 1: must be a whole number, at least 2, at most 200",
        ),
        (
            'strategy = "indicators"\nparams.exits = [{ kind = "atr" }, { kind = "time", hours = 3 }]',
            "bots[0].params.exits[1].hours: unknown parameter; there are minutes",
        ),
        (
            'strategy = "indicators"\nparams.entry = { kind = "macd" }',
            'bots[0].params.entry.kind = "macd": must be one of rsi_bb, rsi_bb_volume, rsi_ichimoku, rsi_v',
        ),
        (
            'strategy = "indicators"\nparams.entry = { rsi_length = 7 }',
            "bots[0].params.entry.kind: is missing; it must be a table whose kind is one of rsi_bb,",
        ),
        (
            'strategy = "indicators"\nparams.exits = 3',
            "bots[0].params.exits = 3: must be a list, each a table whose kind is one of atr, percent,",
        ),
        (
            'strategy = "indicators"\nparams.timeframe = "7m"',
            'bots[0].params.timeframe = "7m": must be one of 10m,',
        ),
        (
            'strategy = "indicators"\nparams.exits = [{ kind = "time" }]',
            "bots[0].params: exits: one of them has to set the stop: add atr, percent,",
        ),
        (
            'strategy = "indicators"\nparams.entry = { kind = "rsi_ichimoku", least = 80 }',
            'bots[0].params.entry = {"kind": "rsi_ichimoku", "least": 80}: least must be below most',
        ),
        ("params = { min_score = 11 }", "bots[0].params.min_score = 11: must be a number from 0 to 10"),
        ('instruments = ["MCL"]', "bots[0].instruments"),
        ("max_trades = -1", "bots[0].max_trades = -1: must be a whole number from 0 to 1000"),
        ('mode = "paper"', 'bots[0].mode = "paper": must be one of trade, signals'),
        ("colour = 1", "bots[0].colour = 1: unknown key"),
        (
            'books = ["practise"]',
            'bots[0].books = ["practise"]: must be books of the settings, some of practice',
        ),
    ],
)
def test_what_is_wrong_names_the_key_and_what_is_allowed(reading: Reading, lines: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        bots(reading(f'[[bots]]\nname = "one"\n{lines}').settings)
    assert len(caught.value.lines) == 1
    assert caught.value.lines[0].startswith(said)


def test_the_bot_of_the_page_on_indicators_is_made(reading: Reading) -> None:
    [block] = re.findall(r"^```toml\n(.*?)^```$", text(DOCS / "indicators.md"), re.MULTILINE | re.DOTALL)
    [bot] = bots(reading(block).settings)
    assert isinstance(bot.strategy, Indicators)
    assert bot.asked_at == {Timeframe.M5}
    assert isinstance(bot.strategy.config.entry, RsiBbVolume)
    assert [type(one).__name__ for one in bot.strategy.config.exits] == [
        "AtrExit",
        "TrailingExit",
        "RsiBbExit",
        "TimeExit",
    ]


def test_two_bots_of_one_name_are_refused(reading: Reading) -> None:
    with pytest.raises(SettingsError, match=r'bots\[1\].name = "one": is another bot\'s name already'):
        bots(reading('[[bots]]\nname = "one"\n[[bots]]\nname = "one"').settings)


@pytest.mark.parametrize(
    ("venue", "book", "known"),
    [
        ('accounts = "all"', "mine-eval1", True),
        ('accounts = ["A-1"]', "mine", True),
        ('accounts = ["A-1"]', "paper", True),
        ('accounts = ["A-1"]', "mine-eval1", False),
    ],
)
def test_books_of_a_bot_are_those_that_may_be_there(
    reading: Reading, venue: str, book: str, known: bool
) -> None:
    text = f'''
    [venues.mine]
    kind = "practice"
    {venue}
    [[paper]]
    enabled = true
    [[bots]]
    name = "one"
    books = ["{book}"]
    '''
    settings = reading(text).settings
    if known:
        assert bots(settings)[0].config.books == (book,)
        assert bots(settings, anywhere=True)[0].config.books == ()
        return
    with pytest.raises(SettingsError, match="must be books of the settings, some of mine, paper"):
        bots(settings)


BREAKS = {
    "import no_such_package": "can't be loaded: ModuleNotFoundError: No module named 'no_such_package'",
    "class Breakout: pass": "has no Config, a msgspec Struct of its parameters",
    "import msgspec\nclass Breakout:\n    class Config(msgspec.Struct): pass": "has no on_bars",
}


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(("code", "why"), BREAKS.items(), ids=range(len(BREAKS)))
def test_a_strategy_that_is_broken_is_told_with_its_package_and_harms_no_other(
    reading: Reading, tmp_path: Path, capsys: pytest.CaptureFixture[str], code: str, why: str
) -> None:
    (tmp_path / "site" / "my_breakout.py").write_text(code, encoding="utf-8")
    assert bots(reading('[[bots]]\nname = "one"').settings)
    with pytest.raises(SettingsError) as caught:
        bots(reading('[[bots]]\nname = "one"\nstrategy = "breakout"').settings)
    [problem] = caught.value.problems
    start = "my_breakout:Breakout of the package my-breakout 1.0 "
    assert problem.message.startswith(start + why)
    assert problem.remedy == "mend or update its package, or uninstall it"
    assert call(["strategies"]) == 0
    out = capsys.readouterr().out
    assert start + why in out
    assert "min_score" in out


WRONG_WEIGHTS = [
    ('weights = { "1m" = 50, "5m" = 40 }', "weights", "make 100 together, not 90"),
    ('weights = { "7m" = 100 }', "weights", "a table of timeframes"),
    ('weights = { "5m" = 60, "1h" = 40 }\nmin_agreeing = 2\nveto = ["30m"]', "veto", "some of 5m, 1h"),
    ('weights = { "5m" = 60, "1h" = 40 }\nveto = ["1h"]', "min_agreeing", "2 at most"),
    ('high_primary = "7m"', "high_primary", "one of 1m"),
    ("medium_min_score = 11", "medium_min_score", "from 0 to 10"),
]


@pytest.mark.parametrize(("lines", "key", "why"), WRONG_WEIGHTS, ids=[one[0][:20] for one in WRONG_WEIGHTS])
def test_weights_that_do_not_fit_together_are_refused(
    reading: Reading, lines: str, key: str, why: str
) -> None:
    with pytest.raises(SettingsError) as told:
        reading(f"[strategy]\n{lines}")
    assert [one.key.split("[")[0] for one in told.value.problems] == [f"strategy.{key}"]
    assert why in told.value.problems[0].message
    params = ", ".join(lines.splitlines())
    with pytest.raises(SettingsError) as told:
        bots(reading(f'[[bots]]\nname = "mine"\nparams = {{ {params} }}').settings)
    [problem] = told.value.problems
    assert problem.key == f"bots[0].params.{key}"
    assert why in problem.message


def test_a_bot_weighs_the_timeframes_that_it_is_told(reading: Reading) -> None:
    params = 'weights = { "2m" = 60, "4h" = 40 }, min_agreeing = 1, veto = "4h", high_min_score = 4.5'
    [bot] = bots(reading(f'[[bots]]\nname = "mine"\nparams = {{ {params} }}').settings)
    assert weighing([bot]).weights == ((Timeframe.M2, 60), (Timeframe.H4, 40))
    assert needed([bot]) >= {Timeframe.M2, Timeframe.H4}
    limits = bot.limits(RiskLimits(), CME_FUTURES["NQ"])
    assert (limits.min_score_tenths, bot.score_key(CME_FUTURES["NQ"])) == (
        45,
        "bots, mine: params.high_min_score",
    )


def test_a_reference_that_is_nothing_known_is_refused(reading: Reading) -> None:
    with pytest.raises(SettingsError) as told:
        bots(reading('[strategy]\nreference = "DXY"').settings)
    [problem] = told.value.problems
    assert (problem.key, problem.value) == ("strategy.reference", '"DXY"')
    assert "must be a contract of this run or a dataset" in problem.message
    [bot] = bots(reading('contracts = ["MGC", "MNQ"]\n[strategy]\nreference = "MNQ"').settings)
    assert bot.strategy.config.reference == "MNQ"  # type: ignore[attr-defined]


@pytest.mark.parametrize(("more", "names"), [('[[bots]]\nname = "one"', "one"), ("", "none")])
def test_a_paper_book_names_bots_and_rooms_that_there_are(reading: Reading, more: str, names: str) -> None:
    with pytest.raises(SettingsError) as told:
        bots(reading(f'[[paper]]\nname = "own"\nbots = ["two"]\n{more}').settings)
    why = f"must be bots or rooms of the settings, some of {names}"
    assert told.value.lines == (f'paper[0].bots = ["two"]: {why}',)
