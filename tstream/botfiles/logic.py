"""Entry and exit of a JSON bot, as parameters of the strategy "indicators" (docs/indicators.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from engine.strategies.indicators.entries import RsiBb, RsiBbVolume, RsiIchimoku, RsiVolumeSupertrend
from engine.strategies.indicators.exits import (
    AtrExit,
    FixedRatioExit,
    RsiBbExit,
    TimeExit,
    TrailingExit,
)
from engine.strategies.indicators.strategy import IndicatorsConfig
from tstream.botfiles.model import BotFile, LogicPart
from tstream.botfiles.read import in_line
from tstream.convert.parameters import problems
from tstream.errors import Problem
from tstream.settings.problems import shown

ENTRIES: dict[str, type[msgspec.Struct]] = {
    "RSIBBVolumeEntryMixin": RsiBbVolume,
    "RSIBBEntryMixin": RsiBb,
    "RSIIchimokuEntryMixin": RsiIchimoku,
    "RSIVolumeSupertrendEntryMixin": RsiVolumeSupertrend,
}
EXITS: dict[str, type[msgspec.Struct]] = {
    "RSIBBExitMixin": RsiBbExit,
    "ATRExitMixin": AtrExit,
    "TrailingStopExitMixin": TrailingExit,
    "TimeBasedExitMixin": TimeExit,
    "FixedRatioExitMixin": FixedRatioExit,
}
NAMES = {
    "rsi_period": "rsi_length",
    "rsi_oversold": "oversold",
    "rsi_overbought": "overbought",
    "rsi_min": "least",
    "rsi_max": "most",
    "bb_period": "bb_length",
    "bb_dev": "bb_deviations",
    "vol_ma_period": "volume_length",
    "min_volume_ratio": "volume_ratio",
    "tenkan_period": "conversion",
    "kijun_period": "base",
    "senkou_period": "slow",
    "supertrend_period": "supertrend_length",
    "supertrend_multiplier": "supertrend_multiple",
    "atr_period": "length",
    "sl_multiplier": "stop_atr",
    "tp_multiplier": "target_atr",
    "trailing_pct": "trail_pct",
    "stop_loss_pct": "stop_pct",
    "reward_ratio": "ratio",
    "max_minutes": "minutes",
}
"""Other names of parameters, without the e_ or x_ in front of them."""
_SETS_STOP = ("atr", "fixed_ratio")
CUSTOM = "custom"


class Logic:
    """The parameters of a custom strategy, and all that is wrong with them."""

    def __init__(self, file: BotFile, origin: str) -> None:
        self.problems: list[Problem] = []
        self._file = file
        self._origin = origin
        exits = [*self._exit(), *self._of_risk()]
        entry = self._entry()
        self.params: dict[str, Any] = {
            "timeframe": str(file.data.interval),
            "sides": str(file.strategy.sides),
            **({} if entry is None else {"entry": entry}),
            "exits": exits,
        }
        if not self.problems:
            self._go_together()
        self.needs = max(_bars(one) for one in (entry or {}, *exits))
        """So many bars its indicators need before they speak."""

    def _wrong(self, key: str, why: str, remedy: str, value: object = None) -> None:
        text = None if value is None else shown(value)
        self.problems.append(Problem(key, why, text, self._origin, remedy))

    def _entry(self) -> dict[str, Any] | None:
        said = self._file.strategy.entry_logic
        if said is None:
            self._wrong(
                "strategy.entry_logic",
                "is needed where the strategy is custom",
                f"add one of {_names(ENTRIES)}",
            )
            return None
        return self._block(said, "strategy.entry_logic", ENTRIES, "e_", "entry")

    def _exit(self) -> Iterator[dict[str, Any]]:
        said = self._file.strategy.exit_logic
        found = None if said is None else self._block(said, "strategy.exit_logic", EXITS, "x_", "exit")
        if found is not None:
            yield found

    def _block(
        self, said: LogicPart, where: str, known: Mapping[str, type[msgspec.Struct]], mark: str, what: str
    ) -> dict[str, Any] | None:
        """One entry or exit by its kind, with our names of its parameters."""
        tags = {str(kind.__struct_config__.tag): kind for kind in known.values()}
        kind = known.get(said.name) or tags.get(said.name)
        if kind is None:
            self._wrong(
                f"{where}.name", f"is no {what} of tstream's", f"write one of {_names(known)}", said.name
            )
            return None
        fields = kind.__struct_fields__
        tag = str(kind.__struct_config__.tag)
        found: dict[str, Any] = {"kind": tag}
        for name, value in said.params.items():
            path, plain = f"{where}.params.{in_line(name)}", name.removeprefix(mark)
            ours = NAMES.get(plain, plain)
            if ours not in fields:
                self._wrong(
                    path, f"is no parameter of {said.name}", f"leave it out; there are {', '.join(fields)}"
                )
            elif ours in found:
                self._wrong(path, f"says {ours} a second time", "leave one of them out", value)
            else:
                found[ours] = self._number(value)
                self._checked(path, tag, ours, found[ours], what)
        return found

    @staticmethod
    def _number(value: Any) -> Any:
        """Indicators count in floats."""
        return float(value) if hasattr(value, "as_tuple") else value

    def _checked(self, path: str, tag: str, name: str, value: Any, what: str) -> None:
        table = {"kind": tag, name: value}
        asked = {"entry": table} if what == "entry" else {"exits": [table]}
        for one in problems(IndicatorsConfig, asked, ""):
            if one.key.endswith(f".{name}"):
                self._wrong(path, one.message, one.message.replace("must be", "write"), value)

    def _of_risk(self) -> Iterator[dict[str, Any]]:
        """What risk_management adds to the exit: a stop, a target, a stop that follows."""
        risk, said = self._file.risk_management, self._file.strategy.exit_logic
        name = "" if said is None else said.name
        kind = EXITS.get(name)
        tag = name if kind is None else str(kind.__struct_config__.tag)
        stop, target, trailing = risk.stop_loss_pct, risk.take_profit_pct, risk.trailing_stop
        if tag in _SETS_STOP:
            for key, value in (("stop_loss_pct", stop), ("take_profit_pct", target)):
                if value is not None:
                    why = f"stands beside {name}, which sets stop and target itself"
                    self._wrong(f"risk_management.{key}", why, "leave one of the two out", value)
        elif stop is not None:
            yield {"kind": "percent", "stop_pct": stop, "target_pct": target or 0.0}
        elif target is not None or not (trailing.enabled or tag == "trailing"):
            why = (
                "is needed: without it a trade has no stop" if target is None else "goes with take_profit_pct"
            )
            self._wrong("risk_management.stop_loss_pct", why, 'add "stop_loss_pct", such as 2.0')
        if trailing.enabled and tag == "trailing":
            why = f"stands beside {name}, which follows already"
            self._wrong("risk_management.trailing_stop", why, "leave one of the two out")
        elif trailing.enabled:
            yield {
                "kind": "trailing",
                "trail_pct": trailing.trailing_pct,
                "activation_pct": trailing.activation_pct,
            }

    def _go_together(self) -> None:
        try:
            msgspec.convert(self.params, IndicatorsConfig)
        except msgspec.ValidationError as error:
            said = str(error)
            part = "entry_logic.params" if "`$.entry" in said else "exit_logic"
            self._wrong(f"strategy.{part}", said.partition(" - at ")[0], "correct them together")


def _bars(block: Mapping[str, Any]) -> int:
    """How many bars one entry or exit needs before it speaks."""
    kinds = (*ENTRIES.values(), *EXITS.values())
    same = [kind for kind in kinds if str(kind.__struct_config__.tag) == block.get("kind")]
    if not same:
        return 1
    full = {name: getattr(same[0](), name) for name in same[0].__struct_fields__} | dict(block)
    lengths = [full[name] for name in full if name.endswith("length") or name in ("conversion", "base")]
    cloud = int(full.get("slow", 0)) + int(full.get("ahead", 0))
    return max(1, cloud, *(int(one) + 1 for one in lengths if isinstance(one, int)))


def _names(known: Mapping[str, Any]) -> str:
    return ", ".join(known)
