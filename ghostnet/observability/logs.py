"""Log lines as text or JSON, without secrets."""

import json
import logging
import logging.config
import os
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, NoReturn

from django.conf import settings

from ghostnet.observability.repeats import FewOfAKind
from indexer.base.errors import GhostnetError
from indexer.base.redaction import Mask

logger = logging.getLogger(__name__)

_OF_EVERY_RECORD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What a record has without any `extra`, on any version of Python."""
_COLORS: Final = {"debug": 32, "info": 32, "warning": 33, "error": 31, "critical": 31}
"""Of the levels on a terminal, as ANSI codes."""


class Formatter(logging.Formatter):
    """Formats a record as time (UTC), level, logger and message, with its `extra` (block, event_id, request_id, …) and
    the exception: as a JSON object, or as text."""

    def __init__(self, mask: Mask, *, json: bool) -> None:
        super().__init__()
        self._mask = mask
        self._write = _as_json if json else _as_text

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = self.formatStack(record.stack_info)
        return self._mask(self._write(line))


def _as_json(line: dict[str, Any]) -> str:
    return json.dumps(line, default=str)


def _as_text(line: dict[str, Any]) -> str:
    level, below = line.pop("level"), [line.pop(name) for name in ("stack", "exception") if name in line]
    shown = f"{level:9}"
    if sys.stderr.isatty():
        shown = f"\x1b[{_COLORS.get(level, 0)}m{shown}\x1b[0m"
    head = f"{line.pop('time')} [{shown}] {line.pop('message')} [{line.pop('logger')}]"
    return "\n".join([" ".join([head, *(f"{name}={value!r}" for name, value in line.items())]), *below])


def logging_of(log_format: str, level: str, mask: Mask) -> dict[str, Any]:
    """Django's LOGGING: everything to standard error, `text` or `json`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": Formatter, "mask": mask, "json": log_format == "json"}},
        "filters": {"few": {"()": FewOfAKind}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["few"]}},
        "loggers": {"asgi_correlation_id": {"level": "ERROR"}},
        "root": {"handlers": ["stderr"], "level": level},
    }


def end_process(error: GhostnetError) -> NoReturn:
    """End the process at a known failure with status 1: print its message, as a JSON object where the log is JSON.

    The failure may be that the settings can't be read, so the format is read from the variable itself.
    """
    sentence = f"{type(error).__name__}: {error}"
    if os.environ.get("GHOSTNET_LOG_FORMAT", "").strip() != "json":
        sys.exit(sentence)
    if not settings.configured:
        logging.config.dictConfig(logging_of("json", "INFO", Mask(())))
    logger.critical("%s", sentence)
    sys.exit(1)


def log_uncaught_errors() -> None:
    """Log errors that end the process or a thread, secrets masked; Python itself would print them as they are."""

    def log(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            logger.critical("%s ended the process", kind.__name__, exc_info=(kind, error, trace))

    def log_thread(failure: threading.ExceptHookArgs) -> None:
        if issubclass(failure.exc_type, SystemExit):
            return
        name = "a thread" if failure.thread is None else failure.thread.name
        error = failure.exc_value or failure.exc_type()
        logger.critical("%s ended %s", failure.exc_type.__name__, name, exc_info=error)

    sys.excepthook = log
    threading.excepthook = log_thread
