"""Who tries to log in: django-axes counts failures by this."""

from django.conf import settings
from django.http import HttpRequest

from ghostnet.http.limits import NOBODY, client_of


def client_address(request: HttpRequest) -> str:
    """The client's address, of IPv6 its network's; behind proxies as X-Forwarded-For tells, which can't be forged."""
    found = client_of(request.scope, settings.GHOSTNET.web.proxies)  # type: ignore[attr-defined]
    return "0.0.0.0" if found == NOBODY else found.partition("/")[0]  # noqa: S104 - nobody's address, not one to bind
