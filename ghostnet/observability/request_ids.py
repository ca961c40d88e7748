"""Log lines of the web server with the id of the request that they belong to."""

import logging

from asgi_correlation_id import correlation_id


class RequestIds(logging.Filter):
    """Adds the id of the request that is being answered, if there is one, to a record as its `request_id`."""

    def filter(self, record: logging.LogRecord) -> bool:
        if (request := correlation_id.get()) is not None:
            record.request_id = request
        return True


def add_request_ids() -> None:
    """Add the ids to all lines of this process's log."""
    for handler in logging.getLogger().handlers:
        handler.addFilter(RequestIds())
