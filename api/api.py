"""The REST API: puts its routers, errors and document together."""

from api.document import GhostnetAPI
from api.errors import handle_errors
from api.routers import events, feed, leaderboards, network, positions, rounds, scans, stats, status

api = GhostnetAPI(
    title="GHOSTNET",
    version="1",
    description=(
        "GHOSTNET as indexed from its contracts. Amounts are wei in decimal strings. Every answer is of one"
        " block, which `X-Indexed-Block` names; `If-None-Match` with its `ETag` gets 304 until something changes."
        " What happens is sent over `/ws`: [its messages](/api/v1/ws-docs)."
    ),
    servers=[{"url": "/", "description": "The server that this document comes from."}],
    docs_url="docs",
    openapi_url="openapi.json",
)
handle_errors(api)
api.add_router("/feed", feed.router)
api.add_router("/network", network.router)
api.add_router("/positions", positions.router)
api.add_router("/scans", scans.scans)
api.add_router("/deaths", scans.deaths)
api.add_router("/rounds", rounds.rounds)
api.add_router("/bets", rounds.bets)
api.add_router("/stats", stats.router)
api.add_router("/leaderboard", leaderboards.router)
api.add_router("/events", events.router)
api.add_router("/blocks", events.blocks)
api.add_router("/transactions", events.transactions)
api.add_router("/status", status.router)
