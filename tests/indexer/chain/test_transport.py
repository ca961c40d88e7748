"""What HTTP does to requests and answers: compression, proxies, certificates, pauses."""

import asyncio
import gzip
import ssl
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web

from indexer.base.retry import MAX_PAUSE_SECONDS
from indexer.chain import transport
from indexer.chain.client import NodeClient
from indexer.chain.errors import Denied, NodeUnreachable, TooLong
from indexer.chain.nodes import Node
from tests.indexer.chain.hand_made import HandMadeNode, asked, call, each, right, status


def body_of(request: Any) -> bytes:
    response = right(request)
    assert isinstance(response, web.Response)
    assert isinstance(response.body, bytes)
    return response.body


def test_gzip_is_asked_for_and_read() -> None:
    node = HandMadeNode(
        lambda request: web.Response(body=gzip.compress(body_of(request)), headers={"Content-Encoding": "gzip"})
    )
    assert asked([node], call()) == "eth_chainId!"
    assert "br" not in node.headers[0]["Accept-Encoding"]
    assert "gzip" in node.headers[0]["Accept-Encoding"]


@pytest.mark.parametrize("compression", ["br", "zstd"])
def test_another_compression_is_named(compression: str) -> None:
    node = HandMadeNode(
        otherwise=lambda request: web.Response(body=b"\x00\x01", headers={"Content-Encoding": compression})
    )
    with pytest.raises(NodeUnreachable, match="compressed in another way than gzip"):
        asked([node], call(), patience=0.1)


def test_an_answer_without_an_end_is_not_read_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_BYTES", 1 << 20)
    unpacked = gzip.compress(b" " * (8 << 20))
    node = HandMadeNode(
        otherwise=lambda request: (
            web.Response(body=unpacked, headers={"Content-Encoding": "gzip"})
            if isinstance(request, list)
            else right(request)
        )
    )

    async def work(client: NodeClient) -> Any:
        return await client.batch([("eth_chainId", []), ("eth_blockNumber", [])], str)

    assert asked([node], work) == ["eth_chainId!", "eth_blockNumber!"]
    assert node.sizes == [2, 1, 1]
    endless = HandMadeNode(lambda request: web.Response(body=unpacked, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(TooLong, match="longer than 1 MiB"):
        asked([endless], call())


@pytest.mark.parametrize("status", [200, 500])
def test_an_answer_that_is_nested_without_an_end_is_none(status: int) -> None:
    deep = b'{"id": 0, "error": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    node = HandMadeNode(lambda request: web.Response(body=deep, status=status))
    assert asked([node], call()) == "eth_chainId!"
    assert node.requests == 2


def test_a_byte_order_mark_is_no_harm() -> None:
    node = HandMadeNode(lambda request: web.Response(body=b"\xef\xbb\xbf" + body_of(request)))
    assert asked([node], call()) == "eth_chainId!"
    assert node.requests == 1


def test_a_redirect_says_where_to_but_no_key() -> None:
    node = HandMadeNode(otherwise=status(301, Location="https://new.example/v2/0123456789abcdef"))
    with pytest.raises(Denied, match=r"redirects to https://new\.example") as raised:
        asked([node], call())
    assert "0123456789abcdef" not in str(raised.value)
    assert "GHOSTNET_RPC_URLS" in str(raised.value)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("1e9", MAX_PAUSE_SECONDS),
        ("inf", MAX_PAUSE_SECONDS),
        ("-3", 0.0),
        (formatdate(4e9), MAX_PAUSE_SECONDS),
        (formatdate(1e9), 0.0),
        ("nan", None),
        ("soon", None),
    ],
)
def test_a_pause_that_is_asked_for_is_at_most_our_own_longest(header: str, seconds: float | None) -> None:
    async def reply_to(client: transport.Transport, url: str) -> transport.Reply:
        async with client:
            return await client.post(Node(url), b"{}", "eth_chainId")

    async def work(client: NodeClient) -> transport.Reply:
        return await reply_to(transport.Transport(), client._nodes.all[0].url)

    reply = asked([HandMadeNode(otherwise=status(429, **{"Retry-After": header}))], work)
    assert reply.retry_after == seconds


def test_one_limit_after_another_does_not_make_the_rest_longer() -> None:
    node = Node("http://127.0.0.1")
    node.pause_for(0.5)
    ready_at = node.ready_at
    node.pause_for(30.0)
    assert node.ready_at == ready_at


def test_requests_go_through_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = HandMadeNode()

    async def work(client: NodeClient) -> Any:
        monkeypatch.setenv("HTTP_PROXY", client._nodes.all[0].url)
        async with NodeClient(["http://node.invalid/"], 3.0) as other:
            return await other.call("eth_chainId", [], str)

    assert asked([proxy], work) == "eth_chainId!"
    assert proxy.headers[0]["Host"] == "node.invalid"
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9/")
    with pytest.raises(NodeUnreachable, match="the proxy that HTTP_PROXY"):
        asyncio.run(knock("http://node.invalid/"))


async def knock(url: str) -> Any:
    async with NodeClient([url], 0.1) as client:
        return await client.call("eth_chainId", [], str)


def test_a_private_authority_is_trusted_if_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    issuer, path = trustme.CA(), tmp_path / "authority.pem"
    issuer.cert_pem.write_to_path(path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    issuer.issue_cert("127.0.0.1").configure_cert(context)

    async def work() -> Any:
        application = web.Application()
        application.router.add_post("/", HandMadeNode(otherwise=each(lambda one: {"result": "there"})).serve)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        url = f"https://127.0.0.1:{runner.addresses[0][1]}/"
        try:
            with pytest.raises(NodeUnreachable, match=r"certificate is not trusted .*SSL_CERT_FILE"):
                await knock(url)
            monkeypatch.setenv("SSL_CERT_FILE", str(path))
            return await knock(url)
        finally:
            await runner.cleanup()

    assert asyncio.run(work()) == "there"
