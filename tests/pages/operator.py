"""An operator of the admin, over HTTP."""

import re
from collections.abc import Mapping

import requests
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.test import override_settings

from tests.factories import PASSWORD
from tests.web import SECRET, Answer, WebClient


class Operator:
    """An operator of the admin; forms are sent with their CSRF tokens."""

    def __init__(self, client: WebClient) -> None:
        self._client = client
        self._session = requests.Session()
        self._session.trust_env = False

    @classmethod
    def logged_in(cls, client: WebClient, user: str) -> "Operator":
        """An operator who is logged in already."""
        operator, account = cls(client), User.objects.get(username=user)
        with override_settings(SECRET_KEY=SECRET["DJANGO_SECRET_KEY"]):
            session = SessionStore()
            session[SESSION_KEY] = str(account.pk)
            session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
            session[HASH_SESSION_KEY] = account.get_session_auth_hash()
            session.save()
        operator._session.cookies.set(settings.SESSION_COOKIE_NAME, str(session.session_key))
        return operator

    def log_in(self, user: str, password: str = PASSWORD) -> Answer:
        """Log in by the form."""
        return self.post("/admin/login/", username=user, password=password)

    def get(self, path: str) -> Answer:
        return Answer(self._session.get(self._client.url + path, timeout=30))

    def post(self, path: str, **fields: str) -> Answer:
        form = self._session.get(self._client.url + path, timeout=30).text
        token = re.search(r'csrfmiddlewaretoken" value="([^"]+)', form)
        fields["csrfmiddlewaretoken"] = token[1] if token else ""
        return Answer(self._session.post(self._client.url + path, data=fields, timeout=30))

    def click(self, page: str, path: str) -> Answer:
        """Send a form without fields that stands on a page."""
        form = self._session.get(self._client.url + page, timeout=30).text
        token = re.search(r'csrfmiddlewaretoken" value="([^"]+)', form)
        fields = {"csrfmiddlewaretoken": token[1] if token else ""}
        return Answer(self._session.post(self._client.url + path, data=fields, timeout=30))

    def forge(self, path: str, fields: Mapping[str, str]) -> Answer:
        """The request that another site's page could make this operator's browser send."""
        return Answer(self._session.post(self._client.url + path, data=fields, timeout=30))

    @property
    def cookies(self) -> str:
        """The cookies of the session, with what they are kept from."""
        return " ".join(f"{cookie.name} {cookie._rest}" for cookie in self._session.cookies)  # type: ignore[attr-defined]

    def ask(self, **fields: str) -> Answer:
        return self.post("/admin/indexer/operatorrequest/add/", **{"argument": "", "reason": "to see"} | fields)
