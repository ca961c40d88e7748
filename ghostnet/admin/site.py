"""The admin's site: Django's, with a status page of the indexer."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path

from ghostnet.admin.status import status


class Site(admin.AdminSite):
    """Django's admin with our titles and the status page."""

    site_header = "GHOSTNET operators"
    site_title = "GHOSTNET"
    index_title = "Tables"
    site_url = "/"

    def get_urls(self) -> list[URLPattern | URLResolver]:
        return [path("status/", self.admin_view(self.status), name="status"), *super().get_urls()]

    def status(self, request: HttpRequest) -> TemplateResponse:
        """The status page, for everybody who may log in."""
        context: dict[str, Any] = {**self.each_context(request), "title": "Status", **status()}
        return TemplateResponse(request, "admin/status.html", context)
