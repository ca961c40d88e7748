"""The page of `/ws` shows the whole AsyncAPI document, which is served beside it."""

import json
import re
from html import unescape

from django.test import RequestFactory
from django.views.defaults import server_error

from tests.paths import ASYNCAPI
from tests.web import WebClient

PAGE = "/api/v1/ws-docs"


def test_every_message_event_and_field_is_explained(season_web: WebClient) -> None:
    answer = season_web.get(PAGE)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/html")
    page = answer.content.decode()
    assert "`" not in re.sub("<pre.*?</pre>", "", page, flags=re.DOTALL), "code is marked as such"
    text = unescape(re.sub("</?code>", "`", page))
    examples = [json.loads(one) for one in re.findall("<pre[^>]*>(.*?)</pre>", text, re.DOTALL)]
    document = json.loads(ASYNCAPI.read_text())
    for message in document["components"]["messages"].values():
        assert f'<h3 id="{message["name"]}">' in text
        assert message["summary"] in text
        assert message["examples"][0]["payload"] in examples
    for name, schema in document["components"]["schemas"].items():
        assert schema["description"] in text, name
        for field in schema["properties"].keys() - {"type", "data"}:
            assert f"<td>{field}" in text, f"{name}.{field}"
    rows = re.findall(r"<tr><td>([^<]+).*?</td><td>(.*?)</td><td>(.*?)</td></tr>", text)
    assert len(rows) > 130
    unexplained = {name for name, kind, said in rows if not said}
    assert unexplained <= {"event", "position"}, "their types lead to what explains them"


def test_documents_and_errors_fit_a_phone_and_lead_back(season_web: WebClient) -> None:
    error = server_error(RequestFactory().get("/")).content.decode()
    for page in (error, *(season_web.get(path).content.decode() for path in (PAGE, "/api/v1/docs", "/nowhere"))):
        assert '<html lang="en">' in page
        assert 'content="width=device-width, initial-scale=1"' in page
        assert 'href="/"' in page
        for path in re.findall(r'href="(/static/[^"]+)"', page):
            assert season_web.get(path).status_code == 200, path


def test_every_link_inside_leads_somewhere(season_web: WebClient) -> None:
    text = season_web.get(PAGE).content.decode()
    places = re.findall(r'id="([^"]+)"', text)
    assert len(places) == len({*places})
    assert {*re.findall(r'href="#([^"]+)"', text)} <= {*places}
    for path in re.findall(r'href="(/api/[^"]+)"', text):
        assert season_web.get(path).status_code == 200, path


def test_the_documents_are_served_as_they_stand_in_the_repository(season_web: WebClient) -> None:
    answer = season_web.get("/api/v1/asyncapi.json")
    assert answer.content == ASYNCAPI.read_bytes()
    assert season_web.get("/api/v1/asyncapi.json", {"If-None-Match": answer["ETag"]}).status_code == 304
    assert "/api/v1/ws-docs" in season_web.get("/api/v1/openapi.json").json()["info"]["description"]
    assert season_web.get(f"{PAGE}?x=1").status_code == 422
