"""All settings of one run: immutable, checked as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import AfterValidator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from engine.market.calendars.known import CME, calendar_of
from engine.model.config import TradingSwitch
from engine.model.instrument import CME_FUTURES, Instrument
from engine.model.symbols import OWN_MARKET, priced_by, wrong_names
from tstream.settings.alerts import DiscordSettings, RoomName, RoomSettings
from tstream.settings.api import ApiSettings
from tstream.settings.backup import BackupSettings
from tstream.settings.blackout import BlackoutSettings
from tstream.settings.bots import BotSettings
from tstream.settings.dotenv import DotenvSource, EnvironmentSource
from tstream.settings.fields import CommaSeparated, computed, refuse, setting
from tstream.settings.instruments import (
    Contract,
    Currency,
    InstrumentSettings,
    Rates,
    Symbol,
    described,
    known_terms,
    make_sense,
    usual_contracts,
)
from tstream.settings.keeping import FilesSettings, HistorySettings, RedisSettings
from tstream.settings.keeping import secrets as address_words
from tstream.settings.notify import NotifySettings
from tstream.settings.opinion import OpinionSettings
from tstream.settings.risk import AccountRisk, RiskSettings
from tstream.settings.scan import ScanSettings
from tstream.settings.secrets import SecretsSettings
from tstream.settings.sections import (
    ControlSettings,
    LogSettings,
    ProjectXSettings,
    ReloadSettings,
    ScreenSettings,
    StrategySettings,
    TapeSettings,
)
from tstream.settings.sentiment import SentimentSettings
from tstream.settings.sizing import Sizings, sizing_key
from tstream.settings.sources import PREFIX
from tstream.settings.training import TrainingSettings
from tstream.settings.venues import (
    PaperBooks,
    PaperSettings,
    VenueLogin,
    Venues,
    VenueSettings,
    book_problem,
)
from tstream.settings.web import WatchSettings, WebSettings


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
    rates: Rates = setting(
        {},
        "What one of another currency is worth where several are shown as one, USD: { EUR = 1.08 }. "
        "Without it prices of the run say it, where one coin is traded for both. Nothing is booked or "
        "limited by it.",
        allowed="a table of currencies and amounts above 0",
    )
    contracts: Annotated[tuple[Contract, ...], NoDecode, CommaSeparated] = computed(
        lambda data: usual_contracts(data.get("venues") or {}),
        "The products to watch and trade, in the order of the screen.",
        min_length=1,
        allowed="a list of " + ", ".join(CME_FUTURES) + ", or of what the venues list",
        default="what the venues list; of futures MNQ, NQ, MES, ES, MGC, GC",
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
    opinion: OpinionSettings = setting(OpinionSettings(), "A second opinion beside the rules.")
    scan: ScanSettings = setting(ScanSettings(), "The scanner for validated signals.")
    discord: DiscordSettings = setting(DiscordSettings(), "The bot that reads rooms.")
    rooms: dict[RoomName, RoomSettings] = setting(
        {}, "Rooms whose alerts are traded.", allowed="a table of rooms"
    )
    notify: NotifySettings = setting(NotifySettings(), "News of the engine, and commands from Telegram.")
    blackout: BlackoutSettings = setting(
        BlackoutSettings(), "Scheduled news around which nothing is entered.", reload="live"
    )
    ui: ScreenSettings = setting(ScreenSettings(), "The cockpit.")
    log: LogSettings = setting(LogSettings(), "The log.")
    tape: TapeSettings = setting(TapeSettings(), "Recording.")
    control: ControlSettings = setting(ControlSettings(), "The control socket.")
    api: ApiSettings = setting(ApiSettings(), "The REST API.")
    backup: BackupSettings = setting(BackupSettings(), "Backups.")
    training: TrainingSettings = setting(TrainingSettings(), "Training of models.")
    sentiment: SentimentSettings = setting(SentimentSettings(), "News and posts.")
    history: HistorySettings = setting(HistorySettings(), "History in SQL.")
    redis: RedisSettings = setting(RedisSettings(), "Publishing to Redis.")
    files: FilesSettings = setting(FilesSettings(), "Files for other programs.")
    web: WebSettings = setting(WebSettings(), "The cockpit in a browser.")
    watch: WatchSettings = setting(WatchSettings(), "From where on people are told of a risk.", reload="live")
    reload: ReloadSettings = setting(ReloadSettings(), "Reading settings again.")
    secrets: SecretsSettings = setting(SecretsSettings(), "Where secrets are kept.")

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
    def _fits_together(self) -> Self:
        self._look_at_sections()
        self._look_at_books()
        return self

    def _look_at_sections(self) -> None:
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

    def _look_at_books(self) -> None:
        if not self.active:
            raise refuse("are all disabled: enable one", key="venues")
        for symbol, what in wrong_names(self.instrument_table(), tuple(self.active), self.priced_at):
            raise refuse(what, key="contracts", value=symbol)
        if (wrong := book_problem(self.venues, self.paper)) is not None:
            key, why, name = wrong
            raise refuse(why, key=key, value=name or None)
        owners: list[tuple[str, AccountRisk]] = [
            (f"paper[{i}]", one.risk) for i, one in enumerate(self.paper)
        ]
        if self.scan.risk is not None:
            owners.append(("scan", self.scan.risk))
        base = {"": self.risk}
        for name, venue in self.venues.items():
            owners.append((f"venues.{name}", venue.risk))
            owners += [(f"venues.{name}.accounts[{i}]", one.risk) for i, one in enumerate(venue.accounts)]
        for owner, own in owners:
            whose = owner.partition(".accounts")[0] if ".accounts" in owner else ""
            try:
                found = base[whose].but(own)
            except PydanticCustomError as error:
                told = error.context or {}
                raise refuse(
                    error.message(), key=f"{owner}.risk.{told.get('key')}", value=told.get("value")
                ) from None
            base[owner] = found

    def require_sense(self) -> None:
        """Raises what is wrong with these settings together, as PydanticCustomError."""
        self.risk.require_sense()
        self._look_at_sections()
        self._look_at_books()

    @property
    def active(self) -> dict[str, VenueSettings]:
        """The venues that runs take, by name, in the file's order."""
        return {name: venue for name, venue in self.venues.items() if venue.enabled}

    @property
    def practice(self) -> bool:
        """Whether everything is play money at built-in venues."""
        return all(venue.practice for venue in self.active.values())

    def narrowed(self, names: Sequence[str]) -> Settings:
        """These settings with only the venues that are named, enabled or not, and what these list. Raises
        KeyError.
        """
        only = {name: self.venues[name].model_copy(update={"enabled": True}) for name in names}
        changed: dict[str, Any] = {"venues": only}
        if "trading" not in self.model_fields_set:
            changed["trading"] = _default_switch(only)
        changed["contracts"] = self._listed(only) or usual_contracts(only)
        return self.model_copy(update=changed)

    def _listed(self, venues: Mapping[str, VenueSettings]) -> tuple[str, ...]:
        """The contracts that a person has named and these venues have a market for."""
        if "contracts" not in self.model_fields_set:
            return ()
        return tuple(
            one.symbol
            for one in self.instrument_table()
            if any(venues[name].about.lists(one) for name in priced_by(one.symbol, tuple(venues)))
        )

    def login(self, name: str) -> VenueLogin:
        """Of a venue: its own, or the one that is set for all gateways; empty where none is."""
        venue = self.venues[name]
        own = VenueLogin(venue.user, venue.key, venue.secret, venue.passphrase)
        if own.has("user") or own.has("key") or not venue.about.shared_login:
            return own
        return VenueLogin(self.projectx.user, self.projectx.key)

    @property
    def papers(self) -> tuple[PaperSettings, ...]:
        """The paper books that trade beside the venues' accounts, or alone where venues have prices only."""
        if self.trading is TradingSwitch.OFF:
            return ()
        alone = all(venue.about.prices_only for venue in self.active.values())
        usual = alone or (self.trading is TradingSwitch.PAPER and not self.practice)
        return tuple(one for one in self.paper if (usual if one.enabled is None else one.enabled))

    def instrument_table(self) -> tuple[Instrument, ...]:
        """The instruments to trade, in order, with your own terms."""
        own, known = self.instruments, known_terms(self.venues)
        return tuple(
            described(symbol, own.get(symbol), self.counts_as_usd, known) for symbol in self.contracts
        )

    def priced_at(self, instrument: Instrument) -> tuple[str, ...]:
        """The venues of the run where an instrument is priced and traded, in their order: those of prices
        alone where no other has it, and all where none has a market of its kind.
        """
        named = priced_by(instrument.symbol, tuple(self.active))
        places = tuple(venue for venue in named if self._lists(venue, instrument)) or named
        if instrument.kind in OWN_MARKET:  # "BTCUSDT" is that of the venue whose table has it
            places = (
                tuple(v for v in places if instrument.symbol in self.venues[v].about.instruments) or places
            )
        trading = tuple(venue for venue in places if not self.venues[venue].about.prices_only)
        return trading or places

    def _lists(self, venue: str, instrument: Instrument) -> bool:
        return self.venues[venue].about.lists(instrument)

    @property
    def told_in(self) -> str:
        """Time zone of whatever is told: what a person has set, else that of the futures, else of the first
        contract.
        """
        calendars = [one.calendar for one in self.instrument_table()]
        usual = CME.name if CME.name in calendars else calendars[0]
        return self.ui.timezone or calendar_of(usual).zone

    def secret_values(self) -> tuple[str, ...]:
        """Values that may appear in no log, message or picture."""
        keys = [self.projectx.key, self.discord.token, self.api.token]
        keys += self.sentiment.secrets()
        keys += [self.web.password, self.web.viewer_password]
        for venue in self.venues.values():
            keys += [venue.key, venue.secret, venue.passphrase]
        own = (key.get_secret_value() for key in keys)
        kept = address_words(self.history.url, self.redis.url)
        return (*(secret for secret in own if secret), *self.notify.secrets(), *kept)


def _default_switch(venues: object) -> TradingSwitch:
    practice = isinstance(venues, dict) and all(
        one.practice for one in venues.values() if isinstance(one, VenueSettings) and one.enabled
    )
    return TradingSwitch.LIVE if practice else TradingSwitch.OFF
