"""`/metrics`: this process's figures for Prometheus."""

from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest


def metrics(request: HttpRequest) -> HttpResponse:
    """All figures of this web process; those of the indexer are on its own port."""
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)
