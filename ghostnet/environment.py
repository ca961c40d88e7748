"""Every environment variable of the project: read here, typed, validated, and nowhere else."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

from eth_utils.address import is_checksum_address

from indexer.base.errors import GhostnetError
from indexer.timescale.plan import UpkeepPlan

PROJECT: Final = Path(__file__).resolve().parent.parent
CONTRACT_NAMES: Final = (
    "GhostCore",
    "TraceScan",
    "DeadPool",
    "DataToken",
    "FeeRouter",
    "RewardsDistributor",
    "TeamVesting",
)


class BadEnvironment(GhostnetError):
    """One or more environment variables can't be used."""

    help = ".env.example explains every variable."


@dataclass(frozen=True, slots=True)
class Deployment:
    """What to index: `contracts` maps the seven names to lower-case addresses."""

    chain_id: int
    start_block: int
    contracts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Web:
    """What a web process allows: requests a minute and client (0: any number), proxies in front, seconds to wait for a
    block, threads that answer, blocks behind the node at which it is not ready any more, blocks that a WebSocket
    replays."""

    requests_per_minute: int
    proxies: int
    cors_origins: tuple[str, ...]
    longest_wait: float
    threads: int
    most_lag: int
    replay_blocks: int


@dataclass(frozen=True, slots=True)
class Environment:
    """The configuration of one process; durations in seconds, depths in blocks."""

    database_url: str | None = field(repr=False)
    rpc_urls: tuple[str, ...] = field(repr=False)
    rpc_ws_url: str | None = field(repr=False)
    iggy_url: str | None = field(repr=False)
    deployment: Deployment
    reorg_depth: int
    headers_kept: int
    poll_interval: float
    audit_every: int
    audit_sample: int
    metrics_port: int | None
    upkeep: UpkeepPlan
    web: Web
    data_dir: Path
    log_level: str
    log_format: str
    traces_to: str | None = field(repr=False)
    secret_key: str | None = field(repr=False)
    debug: bool
    https: bool
    allowed_hosts: tuple[str, ...]

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Self:
        """Read all variables.

        Raises BadEnvironment, which names every variable that is wrong.
        """
        reader = _Reader(variables)
        reorg_depth: int = reader.read("GHOSTNET_REORG_DEPTH", _integer(1, 100_000), 64)
        debug: bool | None = reader.read("DJANGO_DEBUG", _boolean, None)
        production = debug is False
        environment = cls(
            database_url=reader.read("DATABASE_URL", _database_url, None),
            rpc_urls=reader.read("GHOSTNET_RPC_URLS", _urls("http", "https"), ("http://127.0.0.1:8545",)),
            rpc_ws_url=reader.read("GHOSTNET_RPC_WS_URL", _url("ws", "wss"), None),
            iggy_url=reader.read("IGGY_URL", _url("iggy", "iggy+tls"), None),
            deployment=reader.read("GHOSTNET_DEPLOYMENT", _deployment, _SEASON, always=True),
            reorg_depth=reorg_depth,
            headers_kept=reader.read("GHOSTNET_HEADERS_KEPT", _integer(64, 100_000_000), 100_000),
            poll_interval=reader.read("GHOSTNET_POLL_INTERVAL", _number(0.01, 60), 0.25),
            audit_every=reader.read("GHOSTNET_AUDIT_EVERY", _integer(0, 100_000_000), 0),
            audit_sample=reader.read("GHOSTNET_AUDIT_SAMPLE", _integer(1, 1_000_000), 100),
            metrics_port=reader.read("GHOSTNET_METRICS_PORT", _integer(1, 65_535), None),
            upkeep=UpkeepPlan(
                compress_after=reader.read("GHOSTNET_COMPRESS_AFTER_DAYS", _days, timedelta(days=7)),
                keep_transfers=reader.read("GHOSTNET_KEEP_TRANSFERS_DAYS", _days, timedelta(days=90)),
                keep_archive=reader.read("GHOSTNET_KEEP_ARCHIVE_DAYS", _days, timedelta(days=365)),
                reorg_depth=reorg_depth,
            ),
            web=Web(
                requests_per_minute=reader.read("GHOSTNET_RATE_LIMIT", _integer(0, 1_000_000_000), 100),
                proxies=reader.read("GHOSTNET_PROXIES", _integer(0, 100), 0),
                cors_origins=reader.read("GHOSTNET_CORS_ORIGINS", _origins, ()),
                longest_wait=reader.read("GHOSTNET_LONGEST_WAIT", _number(0, 5), 5.0),
                threads=reader.read("GHOSTNET_API_THREADS", _integer(1, 100), 4),
                replay_blocks=reader.read("GHOSTNET_REPLAY_BLOCKS", _integer(0, 100_000_000), 100_000),
                most_lag=reader.read("GHOSTNET_READY_LAG", _integer(0, 100_000_000), 1_000),
            ),
            data_dir=reader.read("GHOSTNET_DATA_DIR", _path, PROJECT / ".ghostnet"),
            log_level=reader.read("GHOSTNET_LOG_LEVEL", _choice("DEBUG", "INFO", "WARNING", "ERROR"), "INFO"),
            log_format=reader.read("GHOSTNET_LOG_FORMAT", _choice("text", "json"), "text"),
            traces_to=reader.read("OTEL_EXPORTER_OTLP_ENDPOINT", _url("http", "https"), None),
            secret_key=reader.read("DJANGO_SECRET_KEY", _secret, None),
            debug=bool(debug),
            https=reader.read("GHOSTNET_HTTPS", _boolean, production),
            allowed_hosts=reader.read("DJANGO_ALLOWED_HOSTS", _words, ("localhost", "127.0.0.1", "[::1]")),
        )
        if production and environment.secret_key is None:
            reader.problems.append("DJANGO_SECRET_KEY is not set, but DJANGO_DEBUG is off: set a random, secret text")
        if reader.problems:
            raise BadEnvironment("\n".join(reader.problems))
        return environment

    def addresses(self) -> tuple[str, ...]:
        """All addresses of other servers; they may hold passwords and keys."""
        others = (self.rpc_ws_url, self.database_url, self.iggy_url, self.traces_to)
        return self.rpc_urls + tuple(address for address in others if address)


_SEASON: Final = str(PROJECT / "fixtures" / "deployments" / "season.json")


class _Reader:
    """Reads variables one by one and collects what is wrong with them."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.problems: list[str] = []

    def read(self, name: str, parse: Callable[[str], Any], default: Any, *, always: bool = False) -> Any:
        """The parsed value, or the default if the variable is empty; `always` parses the default too."""
        text = self._variables.get(name, "").strip()
        if not text and not always:
            return default
        try:
            return parse(text or default)
        except ValueError as error:
            self.problems.append(f"{name}: {error}")
            return default


def _integer(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"-?\d+", text) or not low <= int(text) <= high:
            raise ValueError(f"{text!r} is not a whole number from {low} to {high}")
        return int(text)

    return parse


def _days(text: str) -> timedelta | None:
    days = _integer(0, 100_000)(text)
    return timedelta(days=days) if days else None


def _number(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise ValueError(f"{text!r} is not a number from {low} to {high}")
        return value

    return parse


def _choice(*options: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in options:
            raise ValueError(f"{text!r} is none of {', '.join(options)}")
        return text

    return parse


def _boolean(text: str) -> bool:
    return _choice("true", "false")(text.lower()) == "true"


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _path(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _secret(text: str) -> str:
    if len(text) < 50:
        raise ValueError("too short: at least 50 characters")
    return text


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        parts = urlsplit(text)
        if parts.scheme not in schemes or not parts.hostname:
            raise ValueError(f"not an address that starts with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return text

    return parse


def _urls(*schemes: str) -> Callable[[str], tuple[str, ...]]:
    def parse(text: str) -> tuple[str, ...]:
        return tuple(map(_url(*schemes), _words(text)))

    return parse


def _origins(text: str) -> tuple[str, ...]:
    if text == "*":
        return ("*",)
    origins = _urls("http", "https")(text)
    for origin in origins:
        if urlsplit(origin).path:
            raise ValueError(f"{origin!r} is no origin: leave out what follows the host and port, the last / too")
    return origins


def _database_url(text: str) -> str:
    if urlsplit(text).scheme not in ("postgres", "postgresql"):
        raise ValueError("not an address that starts with postgres:// or postgresql://")
    return text


def _deployment(path: str) -> Deployment:
    try:
        document = json.loads(Path(path).read_text())
    except OSError as error:
        raise ValueError(f"{path} can't be read ({error.strerror}); name a deployment's JSON file") from error
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    return parse_deployment(document, path)


def parse_deployment(document: Any, where: str) -> Deployment:
    """A deployment from its JSON document.

    Raises ValueError, which says what is wrong and names the file `where` it stands.
    """
    if not isinstance(document, dict) or set(document) != {"chain_id", "start_block", "contracts"}:
        raise ValueError(f"{where} must have exactly the keys chain_id, start_block and contracts")
    chain_id, start_block, contracts = document["chain_id"], document["start_block"], document["contracts"]
    if type(chain_id) is not int or chain_id < 1 or type(start_block) is not int or start_block < 0:
        raise ValueError(f"{where}: chain_id and start_block must be whole numbers, chain_id at least 1")
    if not isinstance(contracts, dict) or set(contracts) != set(CONTRACT_NAMES):
        raise ValueError(f"{where}: contracts must name exactly {', '.join(CONTRACT_NAMES)}")
    addresses = {name: _address(contracts[name], f"{where}: contracts.{name}") for name in CONTRACT_NAMES}
    if len(set(addresses.values())) < len(addresses):
        raise ValueError(f"{where}: two contracts have the same address")
    return Deployment(chain_id, start_block, addresses)


def _address(text: Any, where: str) -> str:
    if not isinstance(text, str) or not re.fullmatch(r"0x[0-9a-fA-F]{40}", text):
        raise ValueError(f"{where}: {text!r} is not an address (0x and 40 hex digits)")
    if text[2:] not in (text[2:].lower(), text[2:].upper()) and not is_checksum_address(text):
        raise ValueError(
            f"{where}: {text} has a wrong checksum; check it for a typing error, or write it in lower case"
        )
    if int(text, 16) == 0:
        raise ValueError(f"{where}: the zero address is no contract")
    return text.lower()
