"""All settings of one run: immutable, checked as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import AfterValidator, SecretStr, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from engine.model.config import TradingSwitch
from engine.model.instrument import CME_FUTURES, Instrument
from engine.model.symbols import wrong_names
from tstream.settings.alerts import DiscordSettings, RoomName, RoomSettings
from tstream.settings.bots import BotSettings
from tstream.settings.dotenv import DotenvSource, EnvironmentSource
from tstream.settings.fields import CommaSeparated, computed, refuse, setting
from tstream.settings.instruments import Contract, Currency, InstrumentSettings, Symbol, described, make_sense
from tstream.settings.notify import NotifySettings
from tstream.settings.risk import AccountRisk, RiskSettings
from tstream.settings.sections import (
    ControlSettings,
    LogSettings,
    ProjectXSettings,
    ScreenSettings,
    StrategySettings,
    TapeSettings,
)
from tstream.settings.sizing import Sizings, sizing_key
from tstream.settings.sources import PREFIX
from tstream.settings.venues import PaperBooks, PaperSettings, Venues, VenueSettings, book_problem


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

    venues: Venues = setting(
        {"practice": VenueSettings(kind="practice")},
        "Where tstream trades, each venue by a name of yours.",
        allowed="a table of venues",
    )
    trading: TradingSwitch = computed(
        lambda data: _default_switch(data.get("venues")),
        "Whether orders are sent: off sends none, paper only to a practice account and the paper book, live "
        "to any account (one that is not for practice has to be armed once by typing its name).",
        default="live where all venues are for practice, else off",
    )
    instruments: Annotated[dict[Symbol, InstrumentSettings], AfterValidator(make_sense)] = setting(
        {},
        "Terms of single products where yours differ, and products that tstream does not know.",
        allowed="a table of products",
    )
    counts_as_usd: Annotated[tuple[Currency, ...], NoDecode, CommaSeparated] = setting(
        (), "Currencies that count as US dollars, such as USDT.", allowed="a list of currencies"
    )
    contracts: Annotated[tuple[Contract, ...], NoDecode, CommaSeparated] = setting(
        ("MNQ", "NQ", "MES", "ES", "MGC", "GC"),
        "The products to watch and trade, in the order of the screen.",
        min_length=1,
        allowed="a list of " + ", ".join(CME_FUTURES),
    )
    projectx: ProjectXSettings = setting(ProjectXSettings(), "The login at the gateway.")
    risk: RiskSettings = setting(RiskSettings(), "Your own limits.", reload="live")
    sizing: Sizings | None = sizing_key(
        "How large trades are, where a book, bot or room does not say it.",
        "by risk; alerts by their grade",
    )
    paper: PaperBooks = setting(
        (PaperSettings(),), "Play money beside the venues' accounts.", allowed="[paper] or [[paper]] tables"
    )
    strategy: StrategySettings = setting(StrategySettings(), "What is traded.", reload="live")
    bots: tuple[BotSettings, ...] = setting(
        (), "Strategies that trade in place of the one of [strategy].", allowed="[[bots]] tables"
    )
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
        return (
            EnvironmentSource(settings_cls),
            DotenvSource(settings_cls, dotenv_settings.env_file),
            init_settings,
        )

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

    @model_validator(mode="after")
    def _books_fit_together(self) -> Self:
        if not self.active:
            raise refuse("are all disabled: enable one", key="venues")
        for symbol, what in wrong_names(self.instrument_table(), tuple(self.active)):
            raise refuse(what, key="contracts", value=symbol)
        if (wrong := book_problem(self.venues, self.paper)) is not None:
            key, why, name = wrong
            raise refuse(why, key=key, value=name or None)
        owners: list[tuple[str, AccountRisk]] = [
            (f"paper[{i}]", one.risk) for i, one in enumerate(self.paper)
        ]
        for name, venue in self.venues.items():
            owners += [(f"venues.{name}.accounts[{i}]", one.risk) for i, one in enumerate(venue.accounts)]
        for owner, own in owners:
            try:
                self.risk.but(own)
            except PydanticCustomError as error:
                told = error.context or {}
                raise refuse(
                    error.message(), key=f"{owner}.risk.{told.get('key')}", value=told.get("value")
                ) from None
        return self

    @property
    def active(self) -> dict[str, VenueSettings]:
        """The venues that runs take, by name, in the file's order."""
        return {name: venue for name, venue in self.venues.items() if venue.enabled}

    @property
    def practice(self) -> bool:
        """Whether everything is play money at built-in venues."""
        return all(venue.practice for venue in self.active.values())

    def narrowed(self, names: Sequence[str]) -> Settings:
        """These settings with only the venues that are named, enabled or not. Raises KeyError."""
        only = {name: self.venues[name].model_copy(update={"enabled": True}) for name in names}
        changed: dict[str, Any] = {"venues": only}
        if "trading" not in self.model_fields_set:
            changed["trading"] = _default_switch(only)
        return self.model_copy(update=changed)

    def login(self, name: str) -> tuple[str, SecretStr]:
        """User and key of a venue: its own, or the one that is set for all; empty where none is."""
        venue = self.venues[name]
        if venue.user or venue.key.get_secret_value():
            return venue.user, venue.key
        return self.projectx.user, self.projectx.key

    @property
    def papers(self) -> tuple[PaperSettings, ...]:
        """The paper books that trade beside the venues' accounts."""
        if self.trading is TradingSwitch.OFF:
            return ()
        usual = self.trading is TradingSwitch.PAPER and not self.practice
        return tuple(one for one in self.paper if (usual if one.enabled is None else one.enabled))

    def instrument_table(self) -> tuple[Instrument, ...]:
        """The instruments to trade, in order, with your own terms."""
        own = self.instruments
        return tuple(described(symbol, own.get(symbol), self.counts_as_usd) for symbol in self.contracts)

    def secrets(self) -> tuple[str, ...]:
        """Values that may appear in no log, message or picture."""
        keys = [self.projectx.key, self.discord.token, *(venue.key for venue in self.venues.values())]
        own = (key.get_secret_value() for key in keys)
        return (*(secret for secret in own if secret), *self.notify.secrets())


def _default_switch(venues: object) -> TradingSwitch:
    practice = isinstance(venues, dict) and all(
        one.practice for one in venues.values() if isinstance(one, VenueSettings) and one.enabled
    )
    return TradingSwitch.LIVE if practice else TradingSwitch.OFF
