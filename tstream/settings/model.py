"""All settings of one run: immutable, checked as a whole."""

from __future__ import annotations

from typing import Annotated, Self

import msgspec
from pydantic import model_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from engine.model.config import TradingSwitch
from engine.model.instrument import CME_FUTURES, Instrument
from tstream.settings.alerts import DiscordSettings, RoomName, RoomSettings
from tstream.settings.dotenv import DotenvSource
from tstream.settings.fields import CommaSeparated, computed, refuse, setting
from tstream.settings.notify import NotifySettings
from tstream.settings.risk import RiskSettings
from tstream.settings.sections import (
    Contract,
    ControlSettings,
    InstrumentSettings,
    LogSettings,
    PaperSettings,
    ProjectXSettings,
    ScreenSettings,
    StrategySettings,
    TapeSettings,
    VenueSettings,
)
from tstream.settings.sources import PREFIX


class Settings(BaseSettings):
    """What tstream.toml, .env and the environment say; the later of these wins.

    Keyword arguments stand for tstream.toml: environment and .env override them.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        env_ignore_empty=True,
        dotenv_filtering="only_existing",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    venue: VenueSettings = setting(VenueSettings(), "Where tstream trades.")
    trading: TradingSwitch = computed(
        lambda data: TradingSwitch.LIVE if _practices(data) else TradingSwitch.OFF,
        "Whether orders are sent: off sends none, paper only to a practice account and the paper book, live "
        "to any account (one that is not for practice has to be armed once by typing its name).",
        default="live on the practice venue, off elsewhere",
    )
    contracts: Annotated[tuple[Contract, ...], NoDecode, CommaSeparated] = setting(
        ("MNQ", "NQ", "MES", "ES", "MGC", "GC"),
        "The products to watch and trade, in the order of the screen.",
        min_length=1,
        allowed="a list of " + ", ".join(CME_FUTURES),
    )
    projectx: ProjectXSettings = setting(ProjectXSettings(), "The login at the gateway.")
    instruments: dict[Contract, InstrumentSettings] = setting(
        {}, "Costs of single products where yours differ.", allowed="a table of products"
    )
    risk: RiskSettings = setting(RiskSettings(), "Your own limits.", reload="live")
    paper: PaperSettings = setting(PaperSettings(), "Play money beside the venue's account.")
    strategy: StrategySettings = setting(StrategySettings(), "What is traded.", reload="live")
    discord: DiscordSettings = setting(DiscordSettings(), "The bot that reads rooms.")
    rooms: dict[RoomName, RoomSettings] = setting(
        {}, "Rooms whose alerts are traded.", allowed="a table of rooms"
    )
    notify: NotifySettings = setting(NotifySettings(), "News of the engine, and commands from Telegram.")
    ui: ScreenSettings = setting(ScreenSettings(), "The cockpit.")
    log: LogSettings = setting(LogSettings(), "The log.")
    tape: TapeSettings = setting(TapeSettings(), "Recording.")
    control: ControlSettings = setting(ControlSettings(), "The control socket.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """First wins: environment, .env, then what the caller read from tstream.toml."""
        assert isinstance(dotenv_settings, DotEnvSettingsSource)
        return env_settings, DotenvSource(settings_cls, dotenv_settings.env_file), init_settings

    @model_validator(mode="after")
    def _sections_fit_together(self) -> Self:
        twice = sorted({symbol for symbol in self.contracts if self.contracts.count(symbol) > 1})
        if twice:
            raise refuse("names a contract twice", key="contracts", value=", ".join(twice))
        if self.rooms and not self.discord.token.get_secret_value():
            raise refuse(f"is needed where a room is set: {PREFIX}DISCORD_TOKEN in .env", key="discord.token")
        if self.strategy.second_target_r <= self.risk.reward_to_risk_min:
            raise refuse(
                f"must be above risk.reward_to_risk_min ({self.risk.reward_to_risk_min}), which is the first "
                "target's",
                key="strategy.second_target_r",
                value=self.strategy.second_target_r,
            )
        return self

    @property
    def with_paper(self) -> bool:
        """Whether a paper book trades beside the venue's."""
        if self.trading is TradingSwitch.OFF:
            return False
        if self.paper.enabled is not None:
            return self.paper.enabled
        return self.trading is TradingSwitch.PAPER and not self.venue.practice

    def instrument_table(self) -> tuple[Instrument, ...]:
        """The instruments to trade, in order, with your own costs."""
        return tuple(self._instrument(symbol) for symbol in self.contracts)

    def _instrument(self, symbol: str) -> Instrument:
        own = self.instruments.get(symbol)
        if own is None:
            return CME_FUTURES[symbol]
        return msgspec.structs.replace(CME_FUTURES[symbol], **own.model_dump(exclude_none=True))

    def secrets(self) -> tuple[str, ...]:
        """Values that may appear in no log, message or picture."""
        own = (self.projectx.key.get_secret_value(), self.discord.token.get_secret_value())
        return (*(secret for secret in own if secret), *self.notify.secrets())


def _practices(data: dict[str, object]) -> bool:
    venue = data.get("venue")
    return isinstance(venue, VenueSettings) and venue.practice
