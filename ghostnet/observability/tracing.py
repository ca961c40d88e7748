"""Tracing by OpenTelemetry: sends the spans of indexer, relay, gateway and API to a collector."""

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def start_tracing(collector: str) -> None:
    """Send this process's spans to the collector at a URL, by OTLP over HTTP, in batches on a thread of their own.

    OpenTelemetry reads its other settings from the environment (OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER, …).
    """
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: "ghostnet"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{collector.rstrip('/')}/v1/traces")))
    trace.set_tracer_provider(provider)
