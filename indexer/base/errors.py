"""The base classes of all known failures."""


class GhostnetError(Exception):
    """A known failure: the message says what was wrong, `help` what the operator can do.

    Subclasses set `help` once for the class, or pass it per instance where it names something.
    """

    help: str = ""

    def __init__(self, message: str, *, help: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if help is not None:
            self.help = help

    def __str__(self) -> str:
        return f"{self.message}\n{self.help}" if self.help else self.message


class Retryable(GhostnetError):
    """A failure that may pass by itself: the same attempt may succeed later, without any change by an operator."""
