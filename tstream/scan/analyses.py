"""What tstream discover has found, read again: which signals are validated, and which of them are wanted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from engine.lab.edges.analysis import Analysis, Edge
from engine.lab.edges.candidates import Candidate
from engine.lab.edges.rules import EdgeRules
from engine.model.expectation import Expectation
from engine.model.market import Timeframe
from engine.strategies.edges.strategy import EdgeConfig
from tstream.errors import CommandError
from tstream.settings.model import Settings
from tstream.settings.venues import small

_PATTERN = "edge_analysis*.json"
_REMEDY = "make it: tstream discover TAPE --contract NAME, or tstream discover DATASET (docs/discovery.md)"
_MOST_BYTES = 64_000_000


class ValidatedSignal(Struct, frozen=True):
    """One that is looked for."""

    name: str
    """Of its bot: "scan-5m-mnq-break-bos-long"."""
    contract: str
    """Of the run."""
    edge: EdgeConfig


class Found(Struct, frozen=True):
    """All of them, and what was left out, in words."""

    signals: tuple[ValidatedSignal, ...]
    left_out: tuple[str, ...]


def find_signals(settings: Settings, folder: Path) -> Found:
    """The validated signals of the settings' analyses; `folder` is where analyses are kept.

    Raises CommandError where there is no analysis, one can't be read, or nothing is left to look for.
    """
    files = analysis_files(settings.scan.analyses, folder)
    analyses = [_read(file) for file in files]
    signals: dict[str, tuple[int, ValidatedSignal]] = {}
    left_out: list[str] = []
    for file, analysis in zip(files, analyses, strict=True):
        if not analysis.validated:
            left_out.append(f"{file.name}: {analysis.verdict}")
        for edge in analysis.validated:
            signal = _wanted(settings, edge)
            if isinstance(signal, str):
                left_out.append(f"{edge.instrument} {edge.signal}: {signal}")
            elif signals.get(signal.name, (-1, signal))[0] < analysis.end_ts:  # the newest backtest counts
                signals[signal.name] = analysis.end_ts, signal
    if not signals:
        raise CommandError("there is no validated signal to look for", *left_out, _REMEDY)
    return Found(tuple(signal for _, signal in signals.values()), tuple(left_out))


def analysis_files(named: Sequence[str], folder: Path) -> list[Path]:
    """The files to read. Raises CommandError where there is none."""
    if not named:
        found = sorted(folder.glob(_PATTERN))
        if not found:
            raise CommandError(
                f"there is no {_PATTERN} in {folder}, where validated signals are kept", _REMEDY
            )
        return found
    files = [folder / Path(name).expanduser() for name in named]
    if missing := [str(file) for file in files if not file.is_file()]:
        raise CommandError(f"there is no {', '.join(missing)} (scan.analyses)", _REMEDY)
    return files


def _read(file: Path) -> Analysis:
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise CommandError(f"{file} is too large to be an analysis")
        return msgspec.json.decode(file.read_bytes(), type=Analysis)
    except OSError as error:
        raise CommandError(f"can't read {file}: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} is no analysis ({error})", _REMEDY) from None


def _wanted(settings: Settings, edge: Edge) -> ValidatedSignal | str:
    """The signal, or why it is not looked for."""
    scan, timeframe = settings.scan, edge.timeframe
    contract = scan.contracts.get(edge.instrument, edge.instrument)
    if contract not in settings.contracts:
        return (
            f"{contract} is no contract of this run ({', '.join(settings.contracts)}); scan.contracts maps it"
        )
    if timeframe not in scan.timeframes:
        return f"{timeframe} is not scanned ({', '.join(scan.timeframes)}: scan.timeframes)"
    tested = edge.out_of_sample
    if tested is None or tested.win_rate is None or tested.expectancy_r is None:
        return "it has no backtest"
    least, key = scan.own(timeframe).thresholds(timeframe), f"scan.timeframe.{timeframe}"
    trades = edge.in_sample.trades + tested.trades
    factor = tested.profit_factor
    for short, words, name in (
        (tested.win_rate < least.min_win_rate, f"{tested.win_rate:.0%} won", "min_win_rate"),
        (
            factor is not None and factor < least.min_profit_factor,
            f"profit factor {factor or 0:.2f}",
            "min_profit_factor",
        ),
        (trades < least.min_trades, f"{trades} trades", "min_trades"),
        (edge.required_rr < least.required_rr, f"reward to risk {edge.required_rr:g}", "reward_to_risk_min"),
    ):
        if short:
            return f"{words} ({key}.{name})"
    if not 0.1 <= edge.required_rr <= 100 or abs(tested.expectancy_r) > edge.required_rr:
        return "its figures do not fit together"
    return ValidatedSignal(
        bot_name(contract, edge.candidate),
        contract,
        EdgeConfig(
            signal=edge.signal,
            timeframe=timeframe,
            pattern=edge.pattern,
            reward_to_risk=edge.required_rr,
            direction=edge.candidate.direction,
            context=edge.context,
            hold_bars=EdgeRules().hold_bars,
            aligned=scan.aligned,
            expectation=Expectation(
                trades=tested.trades,
                win_rate=tested.win_rate,
                mean_r=tested.expectancy_r,
                most_r=edge.required_rr,
                profit_factor=factor,
                confidence=edge.deflated_sharpe_probability,
            ),
        ),
    )


def bot_name(contract: str, candidate: Candidate) -> str:
    """ "scan-5m-mnq-break-bos-long-trending-with"."""
    words = (candidate.timeframe, contract, candidate.pattern, candidate.side, candidate.context)
    return "-".join(("scan", *(small(word) for word in words if word != "any")))


def timeframes_of(signals: Iterable[ValidatedSignal]) -> tuple[Timeframe, ...]:
    """The shortest first."""
    wanted = {signal.edge.timeframe for signal in signals}
    return tuple(one for one in Timeframe if one in wanted)
