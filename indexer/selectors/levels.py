"""The current state of the five levels."""

from indexer.models import CurrentLevel


def levels() -> list[CurrentLevel]:
    """All levels, the safest first."""
    return list(CurrentLevel.objects.order_by("level"))


def level(number: int) -> CurrentLevel:
    """A level, of 1 to 5. Raises CurrentLevel.DoesNotExist."""
    return CurrentLevel.objects.get(level=number)
