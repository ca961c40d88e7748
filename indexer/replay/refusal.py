"""A JSON-RPC error as an answer."""

from typing import Any


class Refusal(Exception):
    """A call that the node refuses: code, message and data of a JSON-RPC error, worded as nodes word it."""

    def __init__(self, code: int, message: str, data: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    @property
    def body(self) -> dict[str, Any]:
        """The JSON-RPC error object."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        return error if self.data is None else {**error, "data": self.data}
