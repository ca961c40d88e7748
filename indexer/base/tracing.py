"""The OpenTelemetry tracer of all spans; without a collector a span costs nothing measurable."""

from typing import Final

from opentelemetry.trace import get_tracer

TRACER: Final = get_tracer("ghostnet")
