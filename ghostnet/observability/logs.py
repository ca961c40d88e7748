"""Log lines as text or JSON, without secrets."""

import logging
import logging.config
import os
import sys
import threading
from types import TracebackType
from typing import Any, NoReturn

import structlog
from asgi_correlation_id import correlation_id
from django.conf import settings
from structlog.typing import EventDict, Processor, WrappedLogger

from indexer.base.errors import GhostnetError
from indexer.base.redaction import Mask

logger = logging.getLogger(__name__)


class Formatter(structlog.stdlib.ProcessorFormatter):
    """Formats a record as time (UTC), level, logger and message, with its `extra` (block, event_id, …), the id of the
    request that it belongs to, and the exception."""

    def __init__(self, mask: Mask, *, json: bool) -> None:
        self._mask = mask
        last: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
        if json:
            last += [
                structlog.processors.format_exc_info,
                structlog.processors.EventRenamer("message"),
                structlog.processors.JSONRenderer(default=str),
            ]
        else:
            last.append(
                structlog.dev.ConsoleRenderer(
                    colors=sys.stderr.isatty(),
                    timestamp_key="time",
                    pad_event_to=0,
                    exception_formatter=structlog.dev.plain_traceback,
                )
            )
        super().__init__(processors=last, foreign_pre_chain=_CHAIN)

    def format(self, record: logging.LogRecord) -> str:
        return self._mask(super().format(record))


def _add_request(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    if (request := correlation_id.get()) is not None:
        line["request_id"] = request
    return line


_CHAIN: list[Processor] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    _add_request,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
]


def logging_of(log_format: str, level: str, mask: Mask) -> dict[str, Any]:
    """Django's LOGGING: everything to standard error, `text` or `json`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": Formatter, "mask": mask, "json": log_format == "json"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
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
