"""tstream backtest."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from random import Random

import pytest

from engine.lab.backtest import BarMarket
from engine.market.candles import resample
from engine.model.decision import OpinionConfig, OpinionUse
from engine.model.market import NANOS, Timeframe
from engine.model.opinion import ModelCard
from engine.signals.features import HASH, NAMES, VERSION
from tests.models.workers import stump
from tests.support.price_series import MES, random_walk
from tstream.cli import call
from tstream.commands.models import store_of
from tstream.errors import UsageError
from tstream.lab.asked import LabRequest
from tstream.lab.past import RecordedPast
from tstream.lab.trial import asked_of

Out = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two days of minutes of ES, made up."""
    chance, price = Random(5), 5_000.0
    rows = ["time,open,high,low,close,volume"]
    for day in ("2024-03-05", "2024-03-06"):
        for minute in range(14 * 60, 20 * 60):
            path = [price]
            for _ in range(4):
                path.append(path[-1] + chance.choice((-0.5, -0.25, 0.0, 0.25, 0.5)))
            price = path[-1]
            time = f"{day}T{minute // 60:02}:{minute % 60:02}:00Z"
            rows.append(f"{time},{path[0]},{max(path)},{min(path)},{price},{chance.randint(1, 90)}")
    file = tmp_path_factory.mktemp("tape") / "es.csv"
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return str(file)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSTREAM_HOME", str(tmp_path / "home"))


def backtest(tape: str, *more: str) -> int:
    return call(["backtest", tape, "--contract", "ES", "--stamp", "open", *more])


def test_figures_and_drawings(tape: str, capsys: Out) -> None:
    assert backtest(tape, "--param", "min_score=4") == 0
    out = capsys.readouterr().out
    assert "equity, USD" in out
    assert "720 bars" in out
    assert "at the next bar's open" in out


def test_parameters_that_are_tables_are_written_as_in_the_settings(tape: str, capsys: Out) -> None:
    whole = (
        "--param",
        'entry={kind = "rsi_bb", rsi_length = 9}',
        "--param",
        'exits=[{kind="atr"}, {kind="time", minutes=30}]',
    )
    by_path = ("--param", "entry.kind=rsi_bb", "--param", "entry.rsi_length=9", *whole[2:])
    told = []
    for more in (whole, by_path):
        assert backtest(tape, "--strategy", "indicators", "--timeframe", "5m", "--json", *more) == 0
        told.append(json.loads(capsys.readouterr().out)["trade_list"])
    assert told[0] == told[1]
    assert backtest(tape, "--strategy", "indicators", *by_path[:2], "--param", "entry.rsi_length=1") == 2
    assert "entry.rsi_length = 1: must be a whole number, at least 2" in capsys.readouterr().err


def test_the_timeframe_that_is_asked_for_is_the_one_that_is_looked_at(tape: str, capsys: Out) -> None:
    told = []
    for more in (["--timeframe", "3m"], ["--param", "timeframe=3m"]):
        assert backtest(tape, "--strategy", "indicators", "--json", *more) == 0
        told.append(json.loads(capsys.readouterr().out)["trade_list"])
    assert told[0] == told[1] != []
    both = ("--strategy", "indicators", "--timeframe", "3m", "--param", "timeframe=5m")
    assert backtest(tape, *both) == 2
    assert "must have one of those that indicators looks at: 5m" in capsys.readouterr().err


def test_json_and_csv_tell_the_same_trades(tape: str, tmp_path: Path, capsys: Out) -> None:
    file = tmp_path / "trades.csv"
    assert backtest(tape, "--param", "min_score=4", "--json", "--csv", str(file), "--costs", "0") == 0
    found = json.loads(capsys.readouterr().out)
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))
    assert found["trades"] == len(rows) == len(found["trade_list"]) > 0
    assert [row["opened"] for row in rows] == [one["opened"] for one in found["trade_list"]]
    assert found["costs_usd"] == 0
    assert found["params"] == {"min_score": "4"}
    figures = found["statistics"]
    assert (figures["trades"], figures["net_usd"]) == (len(rows), found["net_usd"])
    assert figures["max_drawdown_usd"] == found["max_drawdown_usd"]
    assert figures["days"] == 2
    assert (figures["sharpe"], figures["kelly"]) == (None, None), "two days, and few trades"


def test_a_page_of_it(tape: str, tmp_path: Path, capsys: Out) -> None:
    file = tmp_path / "run.html"
    assert backtest(tape, "--param", "min_score=4", "--html", str(file)) == 0
    assert "expectancy" in capsys.readouterr().out
    page = file.read_text(encoding="utf-8")
    for words in ("Backtest of ES", "min_score = 4", "at the next bar's open", "BACKTEST"):
        assert escape(words) in page, words
    assert page.count("<svg") >= 3
    assert backtest(tape, "--days", "1", "--html", "-") == 0
    assert capsys.readouterr().out.startswith("<!doctype html>")


def counting(trained_to: int, timeframe: Timeframe = Timeframe.M5) -> None:
    """A model of one tree counts, which was trained up to then."""
    store = store_of()
    card = ModelCard(
        "stump", VERSION, HASH, timeframe=timeframe, trained_from=trained_to - 1, trained_to=trained_to,
        mean_win_r=1.5, mean_loss_r=-1.0,
    )  # fmt: skip
    store.save(card, stump(len(NAMES)))
    store.promote("stump", "for this test", 1)


def test_a_model_decides_with_the_rules_and_what_that_was_worth_is_told(
    tape: str, tmp_path: Path, capsys: Out
) -> None:
    pytest.importorskip("lightgbm", reason="LightGBM is not installed: pip install 'tstream[models]'")
    counting(int(datetime(2024, 3, 5, tzinfo=UTC).timestamp()) * NANOS)
    rules = ("--param", "min_score=4")
    told = []
    for more in (("--model", "off"), ("--model", "stump"), ("--model", "champion")):
        assert backtest(tape, *rules, *more, "--json") == 0
        told.append(json.loads(capsys.readouterr().out))
    alone, named, champion = told
    assert alone["opinion"] is None
    assert named == champion, "it answers the same each time"
    found = named["opinion"]
    assert (found["model"], found["in_sample"], found["missing"]) == ("stump", "", 0)
    assert found["asked"] == found["together"] > 0
    worth = found["worth"]
    assert worth["alone"]["trades"] == alone["trades"]
    assert worth["together"]["trades"] == named["trades"]
    assert worth["kept"] + worth["resized"] + worth["dropped"] == alone["trades"]
    assert worth["kept"] + worth["resized"] + worth["added"] == named["trades"]
    assert worth["dropped"] > 0
    assert any("not sure enough" in reason for reason in named["refusals"])
    settings = tmp_path / "home" / "tstream.toml"
    settings.write_text('[opinion]\nuse = "decide"\n', encoding="utf-8")
    assert backtest(tape, *rules, "--json") == 0
    assert json.loads(capsys.readouterr().out) == named, "as the settings say, without an option"


def test_what_a_model_was_trained_on_is_no_test_of_it(tape: str, tmp_path: Path, capsys: Out) -> None:
    pytest.importorskip("lightgbm", reason="LightGBM is not installed: pip install 'tstream[models]'")
    assert backtest(tape, "--model", "champion") == 1
    assert "no model counts: tstream models list, or tstream train makes one" in capsys.readouterr().err
    counting(int(datetime(2024, 3, 6, tzinfo=UTC).timestamp()) * NANOS)
    assert backtest(tape, "--model", "champion") == 2
    said = capsys.readouterr().err
    assert "stump was trained on what is played here, 2024-03-05 to 2024-03-06" in said
    assert "--from DAY plays what came after" in said
    page = tmp_path / "page.html"
    marked = ("--model", "champion", "--in-sample")
    assert backtest(tape, *marked, "--html", str(page), "--json") == 0
    assert page.read_text(encoding="utf-8").count("IN-SAMPLE") >= 2
    assert "trained on what is played" in json.loads(capsys.readouterr().out)["opinion"]["in_sample"]
    sweep = ("--sweep", "min_score=4", "--jobs", "1")
    assert backtest(tape, *marked, *sweep) == 0
    assert "IN-SAMPLE" in capsys.readouterr().out


def test_a_model_judges_what_can_be_made_of_the_bars_and_nothing_else(tape: str, capsys: Out) -> None:
    pytest.importorskip("lightgbm", reason="LightGBM is not installed: pip install 'tstream[models]'")
    trained_to = int(datetime(2024, 3, 5, tzinfo=UTC).timestamp()) * NANOS
    counting(trained_to, Timeframe.M3)  # the rules do not look at it
    assert backtest(tape, "--param", "min_score=4", "--model", "stump", "--json") == 0
    found = json.loads(capsys.readouterr().out)["opinion"]
    assert found["asked"] == found["together"] > 0
    longer = list(resample(random_walk(1, 60), Timeframe.M5))
    past = RecordedPast(BarMarket(MES, longer), longer[-1].close_ts, bars=True, name="longer")
    asked = LabRequest(tape="longer", contract="MES", model="stump")
    told = "the bars are of 5m, and 3m can't be made of them, which the model judges: --model off asks none"
    with pytest.raises(UsageError, match=told), asked_of(past, asked, OpinionConfig(OpinionUse.DECIDE)):
        pass


def test_days_cut_the_tape_and_the_rest_is_history(tape: str, capsys: Out) -> None:
    assert backtest(tape, "--from", "2024-03-06", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["events"], found["start"]) == (360, "2024-03-06T14:00:00.000Z")


def test_a_day_of_a_hole_is_said(tmp_path: Path, capsys: Out) -> None:
    times = [f"2024-03-{day:02}T15:{minute:02}:00Z" for day in (4, 6) for minute in range(3)]
    rows = "".join(f"{time},5000,5001,4999,5000,9\n" for time in times)
    file = tmp_path / "holes.csv"
    file.write_text(f"time,open,high,low,close,volume\n{rows}", encoding="utf-8")
    assert backtest(str(file), "--from", "2024-03-05", "--to", "2024-03-05") == 2
    assert "nothing is recorded then: the next bar after it is of 2024-03-06 15:00" in capsys.readouterr().err


def test_hours_of_a_recording_are_told(tmp_path: Path, capsys: Out) -> None:
    rows = ["time,open,high,low,close,volume"]
    for day in range(4, 9):
        for half in range(29, 42):  # 14:30 to 21:00 UTC
            rows.append(f"2024-03-{day:02}T{half // 2}:{half % 2 * 30:02}:00Z,5000,5001,4999,5000,9")
    file = tmp_path / "cash.csv"
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    bot = ("--strategy", "indicators", "--timeframe", "30m")
    assert backtest(str(file), *bot) == 0
    assert "08:30 to 15:00 Chicago time alone" in capsys.readouterr().out
    assert backtest(str(file), *bot, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["hours"], found["held_over_gaps"]) == ("08:30-15:00", 0)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--param", "speed=3"), "zones: speed: unknown parameter"),
        (("--param", "min_score=high"), 'zones: min_score = "high"'),
        (("--param", "risk.max_trades=-1"), "risk.max_trades = -1: must be"),
        (("--param", "risk.daily_loss_usd=0"), "risk.daily_loss_usd = 0: must be"),
        (("--param", "ui.fps=3"), "unknown key ui.fps"),
        (("--param", "fast"), '"fast" is no parameter'),
        (("--strategy", "nothing"), "unknown strategy"),
        (("--from", "2031-01-01"), "nothing is recorded then"),
        (("--from", "soon"), "is no day"),
        (("--days", "2", "--from", "2024-03-06"), "--days is the last days"),
        (("--json", "--csv", "-"), "all write to stdout"),
    ],
)
def test_what_cannot_be_is_said(tape: str, capsys: Out, more: tuple[str, ...], said: str) -> None:
    assert backtest(tape, *more) == 2
    assert said in capsys.readouterr().err


SWEEP = ("--sweep", "min_score=4,5,99", "--sweep", "risk.per_trade_usd=100,400")


def test_the_table_of_a_sweep_has_values_as_they_were_asked_for(tape: str, capsys: Out) -> None:
    """Of a key in dollars, too: those of the page's first example."""
    assert backtest(tape, "--sweep", "risk.per_trade_usd=100.50,400", "--jobs", "1") == 0
    out = capsys.readouterr().out
    assert "100.50" in out
    assert "2 trials by grid" in out


def test_a_sweep_counts_every_trial_those_that_cannot_be_too(tape: str, capsys: Out) -> None:
    assert backtest(tape, *SWEEP, "--jobs", "1", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["trials"], found["combinations"], len(found["rows"])) == (6, 6, 6)
    assert sum("error" in row for row in found["rows"]) == 2
    nets = [row["net_usd"] for row in found["rows"] if "error" not in row]
    assert nets == sorted(nets, reverse=True)
    assert backtest(tape, "--param", "min_score=5", "--param", "risk.per_trade_usd=400", "--json") == 0
    alone = json.loads(capsys.readouterr().out)
    (same,) = (row for row in found["rows"] if (row["min_score"], row["risk.per_trade_usd"]) == ("5", "400"))
    assert (same["trades"], same["net_usd"]) == (alone["trades"], alone["net_usd"])


def test_the_table_of_a_sweep_has_what_differs_and_says_why_a_trial_could_not_be(
    tape: str, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    more = ("--sweep", "min_score=4,5,99", "--sweep", "risk.per_trade_usd=400")
    assert backtest(tape, *more, "--jobs", "1") == 0
    out = capsys.readouterr().out
    assert "…" not in out, "a figure is never cut"
    head = next(line for line in out.splitlines() if "trades" in line)
    assert head.split()[:3] == ["#", "min_score", "trades"]
    assert "in all: risk.per_trade_usd=400" in out
    assert (
        "3 trials by grid, of 3 combinations; 1 could not be played\n  1 of them: zones: min_score = 99"
        in out
    )


def test_processes_find_the_same_as_one(tape: str, capsys: Out) -> None:
    told = []
    for jobs in ("1", "2"):
        assert backtest(tape, "--sweep", "min_score=4..5", "--jobs", jobs, "--csv", "-") == 0
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]
    assert told[0].startswith("trial,min_score,trades,net_usd")


@pytest.mark.parametrize("search", ["random", "sobol"])
def test_a_seed_decides_what_is_tried(tape: str, capsys: Out, search: str) -> None:
    tried = []
    for seed in ("3", "3", "5"):
        more = ("--sweep", "cooldown_minutes=1..100", "--search", search, "--trials", "2", "--seed", seed)
        assert backtest(tape, *more, "--jobs", "1", "--days", "1", "--json") == 0
        rows = json.loads(capsys.readouterr().out)["rows"]
        tried.append(sorted(row["cooldown_minutes"] for row in rows))
    assert tried[0] == tried[1] != tried[2]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--sweep", "min_score"), "is no range"),
        (("--sweep", "min_score=5..4"), "is empty"),
        (("--sweep", "min_score=4", "--sweep", "min_score=5"), "swept twice"),
        (("--sweep", "min_score=4", "--param", "min_score=5"), "by --param and by --sweep"),
        (("--sweep", "min_score=4,5", "--trials", "3"), "--trials goes with"),
        (("--sweep", "min_score=4,5", "--search", "sobol"), "needs --trials"),
        (("--trials", "3"), "go with --sweep"),
    ],
)
def test_a_sweep_that_cannot_be_is_said(tape: str, capsys: Out, more: tuple[str, ...], said: str) -> None:
    assert backtest(tape, *more) == 2
    assert said in capsys.readouterr().err


def test_two_workers_of_a_cluster_find_the_same(tape: str, capsys: Out) -> None:
    distributed = pytest.importorskip("distributed", reason="tstream[cluster] is not installed")
    told = []
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, protocol="tcp://", dashboard_address=None
    ) as workers:
        for more in (("--jobs", "1"), ("--cluster", workers.scheduler_address)):
            assert backtest(tape, "--sweep", "min_score=4..5", *more, "--csv", "-") == 0
            told.append(capsys.readouterr().out)
    assert told[0] == told[1]


def test_a_cluster_that_does_not_answer_is_said(tape: str, capsys: Out) -> None:
    pytest.importorskip("distributed", reason="tstream[cluster] is not installed")
    assert backtest(tape, "--sweep", "min_score=4,5", "--cluster", "nonsense") == 2
    assert "no scheduler answers at nonsense" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["backtest", "lookahead"])
def test_bars_too_long_for_a_strategy_are_said(tmp_path: Path, capsys: Out, command: str) -> None:
    rows = (f"2024-03-05T15:{m:02}:00Z,5000,5001,4999,5000,9" for m in range(0, 60, 5))
    file = tmp_path / "five.csv"
    file.write_text("time,open,high,low,close,volume\n" + "\n".join(rows) + "\n", encoding="utf-8")
    assert call([command, str(file), "--contract", "ES", "--stamp", "open"]) == 2
    assert "zones: the bars are of 5m, and 1m can't be made of them" in capsys.readouterr().err
