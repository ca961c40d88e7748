"""The table of each row class, and the conversion of rows to PostgreSQL's text formats: of COPY, and of arrays."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from types import NoneType
from typing import Any, Final, NamedTuple, get_args, get_type_hints

from django.db import connection

from indexer import models
from indexer.base.times import LAST_SECOND, utc_time
from indexer.domain.units import Address, BlockTime, Calldata, Hash, Json, Text
from indexer.models.base import ChainRow, CurrentRow
from indexer.records.rows import (
    ARCHIVE,
    FACTS,
    VERSIONS,
    BetRow,
    BoostRow,
    BuybackRow,
    ChainBlockRow,
    ChainEventRow,
    ChainTransactionRow,
    CullingRow,
    DeathRow,
    EmissionRow,
    LevelSlotRow,
    LevelStateRow,
    PositionRow,
    ProtocolStateRow,
    RoundRow,
    Row,
    ScanRow,
    SystemResetRow,
    TokenTransferRow,
    TollRow,
    UndecodedLogRow,
    VestingClaimRow,
    WitnessAnswerRow,
)

LAST_TIME: Final = datetime.fromtimestamp(LAST_SECOND, UTC)
"""The latest block time that is stored; later ones are stored as this."""

_HISTORY: dict[type[Row], type[ChainRow]] = {
    ChainBlockRow: models.ChainBlock,
    ChainEventRow: models.ChainEvent,
    ChainTransactionRow: models.ChainTransaction,
    WitnessAnswerRow: models.WitnessAnswer,
    UndecodedLogRow: models.UndecodedLog,
    PositionRow: models.Position,
    LevelStateRow: models.LevelState,
    LevelSlotRow: models.LevelSlot,
    ProtocolStateRow: models.ProtocolState,
    ScanRow: models.Scan,
    DeathRow: models.Death,
    RoundRow: models.Round,
    BetRow: models.Bet,
    BoostRow: models.Boost,
    CullingRow: models.Culling,
    SystemResetRow: models.SystemReset,
    TokenTransferRow: models.TokenTransfer,
    TollRow: models.Toll,
    BuybackRow: models.Buyback,
    EmissionRow: models.Emission,
    VestingClaimRow: models.VestingClaim,
}

_CURRENT: dict[type[Row], type[CurrentRow]] = {
    PositionRow: models.CurrentPosition,
    LevelStateRow: models.CurrentLevel,
    LevelSlotRow: models.CurrentLevelSlot,
    ProtocolStateRow: models.CurrentProtocol,
    ScanRow: models.CurrentScan,
    RoundRow: models.CurrentRound,
    BetRow: models.CurrentBet,
}


class Table(NamedTuple):
    """A history table; `current` is the table of the newest version of each `key`, None for a table of facts.

    `lines` renders rows as lines of COPY; `arrays` renders them as one array per column, of the SQL types `types`.
    """

    row: type[Row]
    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    lines: Callable[[Sequence[Any]], str]
    arrays: Callable[[Sequence[Any]], Sequence[str]]
    current: str | None
    key: tuple[str, ...]

    @property
    def column_list(self) -> str:
        return ", ".join(self.columns)

    @property
    def on_conflict(self) -> str:
        """The clause by which a row inserted into the current table replaces the row of its key."""
        others = ", ".join(f"{column} = EXCLUDED.{column}" for column in self.columns if column not in self.key)
        return f"ON CONFLICT ({', '.join(self.key)}) DO UPDATE SET {others}"

    def make_current(self, where: str) -> str:
        """A statement that makes each key's newest version, among the rows that meet a condition, its current row."""
        key = ", ".join(self.key)
        return (
            f"INSERT INTO {self.current} ({self.column_list}) SELECT DISTINCT ON ({key}) {self.column_list}"
            f" FROM {self.name} WHERE {where} ORDER BY {key}, id DESC {self.on_conflict}"
        )


@cache
def tables() -> dict[type[Row], Table]:
    """Every history table by its row class, in a fixed order."""
    return {row: _table(row) for row in (*ARCHIVE, *FACTS, *VERSIONS)}


def _table(row: type[Row]) -> Table:
    model, current = _HISTORY[row], _CURRENT.get(row)
    columns = [field.attname for field in model._meta.concrete_fields]
    by_name = sorted(columns, key=row._fields.index)
    return Table(
        row,
        model._meta.db_table,
        tuple(by_name),
        tuple(str(model._meta.get_field(name).db_type(connection)) for name in row._fields),
        compile_lines(row),
        compile_arrays(row),
        current._meta.db_table if current else None,
        VERSIONS.get(row, ()),
    )


def compile_lines(row: type[Row]) -> Callable[[Sequence[Any]], str]:
    """A function from rows to their COPY lines, made once from the row's field types.

    It is compiled from source text because what it does runs once per row written.
    """
    hints = get_type_hints(row)
    columns = [_column(hints[name], f"c{index}") for index, name in enumerate(row._fields)]
    unpacked = ", ".join(f"c{index}" for index in range(len(columns)))
    text = r"\t".join(columns) + r"\n"
    scope = {"time": time_text, "escape": _escape, "null": r"\N", "hex": r"\\x", "slash": "\\", "slashes": 2 * "\\"}
    source = f"lambda rows: ''.join([f'{text}' for {unpacked}, in rows])"
    lines: Callable[[Sequence[Any]], str] = eval(source, scope)  # noqa: S307 - made of our own row classes
    return lines


def compile_arrays(row: type[Row]) -> Callable[[Sequence[Any]], Sequence[str]]:
    """A function from rows to their columns as array literals, compiled as that of `compile_lines` is."""
    hints = get_type_hints(row)
    columns = [_element(hints[name], f"row[{index}]") for index, name in enumerate(row._fields)]
    arrays = ", ".join(f'"{{" + ",".join([{column} for row in rows]) + "}}"' for column in columns)
    scope = {"time": time_text, "quoted": _quoted, "hex": '"' + 2 * "\\" + "x"}
    found: Callable[[Sequence[Any]], Sequence[str]] = eval(f"lambda rows: [{arrays}]", scope)  # noqa: S307 - as above
    return found


def _inner(hint: Any) -> Any:
    """The type of the values of a column that may be NULL; None for a column that may not."""
    if NoneType not in get_args(hint):
        return None
    (inner,) = (option for option in get_args(hint) if option is not NoneType)
    return inner


def _element(hint: Any, value: str) -> str:
    """The expression of a value in an array literal."""
    if (inner := _inner(hint)) is not None:
        return f'("NULL" if {value} is None else {_element(inner, value)})'
    if hint in (Address, Hash, Calldata):
        return f"(hex + {value}[2:] + '\"')"
    if hint is BlockTime:
        return f"('\"' + time({value}) + '\"')"
    if hint is bool:
        return f'("t" if {value} else "f")'
    return f"str({value})" if hint is int else f"quoted({value})"


def array(values: Iterable[str]) -> str:
    """Values as an array literal; none needs quotes except those of `bytea`."""
    return "{" + ",".join(value.replace("\\", "\\\\") for value in values) + "}"


def bytea(value: Address | Hash | Calldata) -> str:
    """Bytes in hex with `0x` as PostgreSQL reads them."""
    return "\\x" + value[2:]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _column(hint: Any, value: str) -> str:
    """A column's part of the line's f-string."""
    if (inner := _inner(hint)) is not None:
        return f"{{null if {value} is None else {_expression(inner, value)}}}"
    if hint in (Address, Hash, Calldata):
        return rf"\\\\x{{{value}[2:]}}"
    return f"{{{_expression(hint, value)}}}"


def _expression(hint: Any, value: str) -> str:
    if hint in (Address, Hash, Calldata):
        return f"hex + {value}[2:]"
    if hint is BlockTime:
        return f"time({value})"
    if hint is bool:
        return f'"t" if {value} else "f"'
    if hint is Json:
        return f"{value}.replace(slash, slashes)"
    if hint is Text:
        return f"escape({value})"
    return value


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def block_datetime(timestamp: int) -> datetime:
    """A block's time (unix seconds) as stored, at most LAST_TIME."""
    return utc_time(timestamp) or LAST_TIME


@lru_cache(maxsize=1024)
def time_text(timestamp: int) -> str:
    """A block's time (unix seconds) as PostgreSQL reads it."""
    return block_datetime(timestamp).isoformat(sep=" ")
