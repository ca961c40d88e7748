"""The address by which django-axes counts failed logins."""

from django.http import HttpRequest

from ghostnet.http.clients import UNKNOWN_CLIENT, client_of


def client_address(request: HttpRequest) -> str:
    """The client's address as the rate limits identify it; of IPv6 its network's first one."""
    found = client_of(request.scope)  # type: ignore[attr-defined]
    return "0.0.0.0" if found == UNKNOWN_CLIENT else found.partition("/")[0]  # noqa: S104 - no address to bind
