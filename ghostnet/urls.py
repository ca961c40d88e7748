"""The URLs that Django serves."""

from functools import partial

from django.contrib import admin
from django.urls import path
from django.views.decorators.gzip import gzip_page

import ghostnet.admin.registry
import ghostnet.admin.requests  # noqa: F401 - registers its model, as the one above does
from api.api import api
from api.document import document_view, openapi_json
from ghostnet.observability.health import live, ready, startup
from ghostnet.pages import views
from ghostnet.pages.protocol import protocol_page
from realtime.document import asyncapi_json

admin.autodiscover()

urlpatterns = [
    path("", gzip_page(views.spectators)),
    path("search", gzip_page(views.search)),
    path("player/<str:address>", gzip_page(views.player)),
    path("scan/<int:level>/<int:scan_id>", gzip_page(views.scan)),
    path("round/<int:round_id>", gzip_page(views.round_)),
    path("block/<int:number>", gzip_page(views.block_)),
    path("tx/<str:tx_hash>", gzip_page(views.transaction)),
    path("admin/", admin.site.urls),
    path("api/v1/openapi.json", document_view(partial(openapi_json, api))),  # the API's own makes it anew each time
    path("api/v1/asyncapi.json", document_view(asyncapi_json)),
    path("api/v1/ws-docs", document_view(protocol_page, "text/html; charset=utf-8")),
    path("api/v1/", api.urls),
    path("health/live", live),
    path("health/ready", ready),
    path("health/startup", startup),
]
