"""Somebody at the admin."""

import re
from collections.abc import Mapping

import requests

from tests.factories import PASSWORD
from tests.web import Answer, WebClient


class Operator:
    """Somebody who is logged in to the admin; forms are sent with their tokens."""

    def __init__(self, client: WebClient, user: str, password: str = PASSWORD) -> None:
        self._client = client
        self._session = requests.Session()
        self.answer = self.post("/admin/login/", username=user, password=password)

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
        """What another site's page could make this operator's browser send."""
        return Answer(self._session.post(self._client.url + path, data=fields, timeout=30))

    @property
    def cookies(self) -> str:
        """The cookies of the session, with what they are kept from."""
        return " ".join(f"{cookie.name} {cookie._rest}" for cookie in self._session.cookies)  # type: ignore[attr-defined]

    def ask(self, **fields: str) -> Answer:
        return self.post("/admin/indexer/operatorrequest/add/", **{"argument": "", "reason": "to see"} | fields)
