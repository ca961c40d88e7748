"""Column types for the chain's values: bytes that read as hex strings, integers as wide as the EVM's."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models


class HexField(models.BinaryField):  # type: ignore[type-arg]
    """Bytes in the database, `0x` and lower-case hex digits in Python; `size` in bytes, None for any length."""

    size: int | None = None

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> str | None:
        return None if value is None else "0x" + bytes(value).hex()

    def get_prep_value(self, value: Any) -> bytes | None:
        if value is None:
            return None
        digits = value[2:] if isinstance(value, str) else bytes(value).hex()
        try:
            raw = bytes.fromhex(digits)
        except ValueError as error:
            raise ValidationError(f"{value!r} is not 0x and hex digits") from error
        if self.size is not None and len(raw) != self.size:
            raise ValidationError(f"{value!r} has {len(raw)} bytes instead of {self.size}")
        return raw

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        raw = value if prepared else self.get_prep_value(value)
        return None if raw is None else connection.Database.Binary(raw)


class AddressField(HexField):
    """An account: 20 bytes."""

    size = 20


class HashField(HexField):
    """A block hash, transaction hash or bytes32: 32 bytes."""

    size = 32


class UintField(models.DecimalField):  # type: ignore[type-arg]
    """An unsigned (or signed) integer of up to 78 digits: `numeric` in the database, `int` in Python."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 78)
        kwargs["decimal_places"] = 0
        super().__init__(*args, **kwargs)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> int | None:
        return None if value is None else int(value)

    def to_python(self, value: Any) -> int | None:
        return None if value is None else int(value)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return None if value is None else int(value)

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        return self.get_db_prep_value(value, connection)


def wei(**options: Any) -> UintField:
    """An amount in wei, or any other uint256."""
    return UintField(max_digits=78, **options)


def seconds(**options: Any) -> UintField:
    """Unix seconds as the contracts hold them: a uint64, which a timestamp can't always hold."""
    return UintField(max_digits=20, **options)
