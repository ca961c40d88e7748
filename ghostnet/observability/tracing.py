"""Tracing by OpenTelemetry: where a collector is named, the spans of indexer, relay, gateway and API go there."""

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def start_tracing(collector: str) -> None:
    """Send the spans of this process to a collector, by OTLP over HTTP, in batches and on a thread of their own.

    What is not said here OpenTelemetry reads from the environment (OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER, …).
    """
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: "ghostnet"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{collector.rstrip('/')}/v1/traces")))
    trace.set_tracer_provider(provider)
