"""The tracer that all spans come from; without a collector they cost nothing that one could measure."""

from typing import Final

from opentelemetry.trace import get_tracer

TRACER: Final = get_tracer("ghostnet")
