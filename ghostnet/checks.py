"""Start-up checks: variables that are valid each, but contradict each other."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from ghostnet.environment import Environment


@register()
def configuration(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Headers must be kept as far back as reorgs are expected to reach."""
    environment: Environment = settings.GHOSTNET
    if environment.headers_kept < environment.reorg_depth:
        return [
            Error(
                f"GHOSTNET_HEADERS_KEPT is {environment.headers_kept}, less than GHOSTNET_REORG_DEPTH,"
                f" {environment.reorg_depth}",
                hint="A reorg can only be undone as far back as headers are kept: raise the first or lower the second.",
                id="ghostnet.E001",
            )
        ]
    return []
