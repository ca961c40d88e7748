"""Every environment variable of the project, typed and validated; no other module reads them."""

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from ghostnet.deployment import Deployment, read_deployment
from ghostnet.http.origins import normal_origin
from indexer.base.errors import GhostnetError
from indexer.store.address import database_settings
from indexer.timescale.plan import UpkeepPlan

PROJECT: Final = Path(__file__).resolve().parent.parent
SEASON: Final = PROJECT / "fixtures" / "deployments" / "season.json"


_UNREADABLE: Final = (
    "not an address: it has a blank, a # or brackets, a host or user that none can be, or a port that is no number from"
    " 0 to 65535; special characters of users and passwords are written as %XX"
)


class BadEnvironment(GhostnetError):
    """One or more environment variables can't be used."""

    help = ".env.example explains every variable."


def _split(text: Any) -> Any:
    return tuple(word.strip() for word in text.split(",") if word.strip()) if isinstance(text, str) else text


def _check_digits(text: Any) -> Any:
    if isinstance(text, str) and not re.fullmatch(r"-?[0-9]+", text):
        raise ValueError("not a whole number")
    return text


def _check_boolean(text: Any) -> Any:
    if isinstance(text, str) and text.lower() not in ("true", "false"):
        raise ValueError("none of true, false")
    return text


def _check_url(text: str, *schemes: str) -> str:
    """An address. Raises ValueError, which does not repeat it: it may hold a key or a password."""
    try:
        parts = urlsplit(text)
        _ = parts.port, (parts.hostname or "").encode("idna")
    except ValueError:
        raise ValueError(_UNREADABLE) from None
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(f"not an address that starts with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    if "#" in text or re.search(r"\s", text) or ":" in unquote(parts.username or ""):
        raise ValueError(_UNREADABLE)
    return text


def _check_database(text: str) -> str:
    database_settings(text)
    return text


def _without_repetitions(urls: tuple[str, ...]) -> tuple[str, ...]:
    """A node that is named twice would be taken for two, each able to stand in for the other."""
    return tuple(dict.fromkeys(urls))


def _check_origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    for origin in () if origins == ("*",) else origins:
        if urlsplit(_check_url(origin, "http", "https")).path:
            raise ValueError(f"{origin!r} is no origin: leave out what follows the host and port, the last / too")
    return tuple(normal_origin(origin) for origin in origins)


Whole = Annotated[int, BeforeValidator(_check_digits)]
"""A whole number in plain digits, without the underscores and fractions that pydantic would accept."""
Blocks = Annotated[Whole, Field(ge=0, le=100_000_000)]
Days = Annotated[Whole, Field(ge=0, le=100_000)]
"""An age in days; 0 for never."""
Flag = Annotated[bool, BeforeValidator(_check_boolean)]
Words = Annotated[tuple[str, ...], BeforeValidator(_split)]
"""Words separated by commas."""
Seconds = Annotated[float, Field(allow_inf_nan=False)]
Origins = Annotated[Words, AfterValidator(_check_origins)]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
HttpUrl = Annotated[str, AfterValidator(lambda text: _check_url(text, "http", "https"))]
WebSocketUrl = Annotated[str, AfterValidator(lambda text: _check_url(text, "ws", "wss"))]
IggyUrl = Annotated[str, AfterValidator(lambda text: _check_url(text, "iggy", "iggy+tls"))]
DatabaseUrl = Annotated[str, AfterValidator(_check_database)]
NodeUrls = Annotated[tuple[HttpUrl, ...], BeforeValidator(_split), AfterValidator(_without_repetitions)]


class Environment(BaseModel):
    """The configuration of one process; each field names its environment variable as its alias.

    Durations are in seconds, depths and lags in blocks. Fields that may hold secrets are left out of `repr`.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, validate_default=True)

    # What to index, and from where.
    deployment: Annotated[Deployment, BeforeValidator(read_deployment)] = Field(
        default=SEASON,  # type: ignore[assignment]  # a default is read as the variable's value would be
        validation_alias="GHOSTNET_DEPLOYMENT",
    )
    rpc_urls: NodeUrls = Field(default=("http://127.0.0.1:8545",), validation_alias="GHOSTNET_RPC_URLS", repr=False)
    rpc_ws_url: WebSocketUrl | None = Field(default=None, validation_alias="GHOSTNET_RPC_WS_URL", repr=False)
    realtime: Literal["auto", "on", "off", "mini-blocks"] = Field(default="auto", validation_alias="GHOSTNET_REALTIME")
    poll_interval: Seconds = Field(default=0.25, ge=0.01, le=60, validation_alias="GHOSTNET_POLL_INTERVAL")
    full_blocks: Literal["auto", "always", "never"] = Field(default="auto", validation_alias="GHOSTNET_FULL_BLOCKS")
    state_every: Whole = Field(default=1, ge=1, le=100_000, validation_alias="GHOSTNET_STATE_EVERY")
    reorg_depth: Whole = Field(default=64, ge=1, le=100_000, validation_alias="GHOSTNET_REORG_DEPTH")
    headers_kept: Whole = Field(default=100_000, ge=64, le=100_000_000, validation_alias="GHOSTNET_HEADERS_KEPT")

    # Where the data go, and how long they stay.
    database_url: DatabaseUrl | None = Field(default=None, validation_alias="DATABASE_URL", repr=False)
    iggy_url: IggyUrl | None = Field(default=None, validation_alias="IGGY_URL", repr=False)
    data_dir: Path = Field(default=PROJECT / ".ghostnet", validation_alias="GHOSTNET_DATA_DIR")
    compress_after_days: Days = Field(default=7, validation_alias="GHOSTNET_COMPRESS_AFTER_DAYS")
    keep_transfers_days: Days = Field(default=90, validation_alias="GHOSTNET_KEEP_TRANSFERS_DAYS")
    keep_archive_days: Days = Field(default=365, validation_alias="GHOSTNET_KEEP_ARCHIVE_DAYS")

    # How the processes are observed.
    audit_every: Blocks = Field(default=0, validation_alias="GHOSTNET_AUDIT_EVERY")
    audit_sample: Whole = Field(default=100, ge=1, le=1_000_000, validation_alias="GHOSTNET_AUDIT_SAMPLE")
    metrics_port: Annotated[Whole, Field(ge=1, le=65_535)] | None = Field(
        default=None, validation_alias="GHOSTNET_METRICS_PORT"
    )
    log_level: LogLevel = Field(default="INFO", validation_alias="GHOSTNET_LOG_LEVEL")
    log_format: Literal["text", "json"] = Field(default="text", validation_alias="GHOSTNET_LOG_FORMAT")
    traces_to: HttpUrl | None = Field(default=None, validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT", repr=False)

    # What a web process serves.
    requests_per_minute: Whole = Field(default=100, ge=0, le=1_000_000_000, validation_alias="GHOSTNET_RATE_LIMIT")
    work_per_minute: Whole = Field(default=10, ge=1, le=100_000, validation_alias="GHOSTNET_WORK_LIMIT")
    sockets_per_client: Whole = Field(default=200, ge=1, le=1_000_000, validation_alias="GHOSTNET_SOCKETS_PER_CLIENT")
    connections_per_client: Whole = Field(
        default=400, ge=1, le=1_000_000, validation_alias="GHOSTNET_CONNECTIONS_PER_CLIENT"
    )
    proxies: Whole = Field(default=0, ge=0, le=100, validation_alias="GHOSTNET_PROXIES")
    cors_origins: Origins = Field(default=(), validation_alias="GHOSTNET_CORS_ORIGINS")
    longest_wait: Seconds = Field(default=5, ge=0, le=5, validation_alias="GHOSTNET_LONGEST_WAIT")
    api_threads: Whole = Field(default=4, ge=1, le=100, validation_alias="GHOSTNET_API_THREADS")
    replay_blocks: Blocks = Field(default=100_000, validation_alias="GHOSTNET_REPLAY_BLOCKS")
    ready_lag: Blocks = Field(default=1_000, validation_alias="GHOSTNET_READY_LAG")
    debug_or_unset: Flag | None = Field(default=None, validation_alias="DJANGO_DEBUG")
    https_or_unset: Flag | None = Field(default=None, validation_alias="GHOSTNET_HTTPS")
    secret_key: Annotated[str, Field(min_length=50)] | None = Field(
        default=None, validation_alias="DJANGO_SECRET_KEY", repr=False
    )
    allowed_hosts: Words = Field(default=("localhost", "127.0.0.1", "[::1]"), validation_alias="DJANGO_ALLOWED_HOSTS")

    @classmethod
    def read(cls) -> Self:
        """The configuration of this process. Raises BadEnvironment, which names every variable that is wrong."""
        try:
            return cls.model_validate(dict(os.environ))
        except ValidationError as error:
            problems = [
                f"{cls._variable(str(one['loc'][0]))}: {one['msg'].removeprefix('Value error, ')}"
                for one in error.errors()
            ]
        raise BadEnvironment("\n".join(problems))

    @classmethod
    def _variable(cls, place: str) -> str:
        """The variable of an error's place: its name, or the field's if the error is about a default."""
        field = cls.model_fields.get(place)
        return place if field is None else str(field.validation_alias)

    @property
    def production(self) -> bool:
        """Whether this is a production installation: DJANGO_DEBUG is set, to false."""
        return self.debug_or_unset is False

    @property
    def debug(self) -> bool:
        """Whether pages show errors with their tracebacks."""
        return bool(self.debug_or_unset)

    @property
    def https(self) -> bool:
        """Whether browsers reach the pages by https."""
        return self.production if self.https_or_unset is None else self.https_or_unset

    @property
    def upkeep(self) -> UpkeepPlan:
        """What upkeep does on TimescaleDB."""
        return UpkeepPlan(
            compress_after=_age(self.compress_after_days),
            keep_transfers=_age(self.keep_transfers_days),
            keep_archive=_age(self.keep_archive_days),
            reorg_depth=self.reorg_depth,
        )

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses of all other servers, which may hold passwords and keys."""
        others = (self.rpc_ws_url, self.database_url, self.iggy_url, self.traces_to)
        return self.rpc_urls + tuple(address for address in others if address)

    @model_validator(mode="before")
    @classmethod
    def _strip(cls, variables: dict[str, str]) -> dict[str, str]:
        """Blanks around a value don't count; a variable that holds nothing else is not set."""
        return {name: text.strip() for name, text in variables.items() if text.strip()}

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        try:
            return path.expanduser().absolute()
        except RuntimeError as error:
            raise ValueError(f"{path} begins with ~ and a name that is no user's") from error

    @field_validator("headers_kept")
    @classmethod
    def _as_deep_as_reorgs(cls, kept: int, info: ValidationInfo) -> int:
        """A reorg can be undone only as far back as headers are kept."""
        if kept < (depth := info.data.get("reorg_depth", kept)):
            raise ValueError(f"less than GHOSTNET_REORG_DEPTH, {depth}: raise the first or lower the second")
        return kept

    @field_validator("secret_key")
    @classmethod
    def _required_in_production(cls, key: str | None, info: ValidationInfo) -> str | None:
        if key is None and info.data.get("debug_or_unset") is False:
            raise ValueError("not set, but DJANGO_DEBUG is off: set a random, secret text")
        return key


def _age(days: int) -> timedelta | None:
    return timedelta(days=days) if days else None
