"""The metrics that a web process serves to Prometheus."""

import re

from prometheus_client.parser import text_string_to_metric_families

from tests.web import WebClient, web


def samples(client: WebClient) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = client.get("/metrics").content.decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_requests_are_counted_by_endpoint_and_status(database: str) -> None:
    with web(database) as client:
        for address in ("0x" + "ab" * 20, "0x" + "cd" * 20):
            assert client.get(f"/api/v1/positions/{address}").status_code == 503
        client.get("/api/v1/nothing")
        board = client.get("/?part=board").status_code
        found = samples(client)
    endpoint = "api/v1/positions/<address>"
    assert found["api_requests_total", (("endpoint", endpoint), ("status", "503"))] == 2
    assert found["api_requests_total", (("endpoint", "unknown"), ("status", "404"))] == 1
    assert found["api_requests_total", (("endpoint", "/"), ("status", str(board)))] == 1
    assert found["api_request_duration_seconds_count", (("endpoint", endpoint),)] == 2
    assert found["db_query_duration_seconds_count", ()] > 0


def test_prometheus_may_ask_by_address_but_nobody_else(database: str) -> None:
    with web(database) as client:
        stranger = {"Host": "10.1.2.3:8000"}
        assert client.get("/metrics", stranger).status_code == 200
        assert client.get("/health/live", stranger).status_code == 400


def test_no_path_can_make_new_series(database: str) -> None:
    with web(database) as client:
        for number in range(20):
            client.get(f"/api/v1/nothing/{number}")
            client.get(f"/api/v1/positions/{number}")
        endpoints = {dict(labels)["endpoint"] for name, labels in samples(client) if name == "api_requests_total"}
    assert all(not re.search(r"/\d+", endpoint) for endpoint in endpoints), endpoints
