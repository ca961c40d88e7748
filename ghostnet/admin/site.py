"""The admin's site: Django's, with the status of the indexer as its home."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils import timezone

from ghostnet.admin.groups import grouped
from ghostnet.admin.runbook import runbook
from ghostnet.admin.status import status
from indexer.models import OperatorRequest


class Site(admin.AdminSite):
    """Django's admin with titles of its own, tables in groups, and the status page as its home."""

    site_header = "GHOSTNET operators"
    site_title = "GHOSTNET"
    index_title = "Status"
    site_url = "/"

    def get_urls(self) -> list[URLPattern | URLResolver]:
        return [
            path("status/", self.admin_view(self.index), name="status"),
            path("resume/", self.admin_view(self.resume), name="resume"),
            path("runbook/<str:section>/", self.admin_view(self.runbook), name="runbook"),
            *super().get_urls(),
        ]

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The indexer's tables in groups, by what operators look for."""
        found: list[Any] = super().get_app_list(request, app_label)
        return found if app_label is not None else grouped(found)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The status page, for everybody who may log in."""
        context: dict[str, Any] = {
            **self.each_context(request),
            "title": "Status",
            "may_resume": request.user.has_perm("indexer.request_resume"),
            **status(),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/status.html", context)

    def resume(self, request: HttpRequest) -> HttpResponse:
        """Ask for a resume, by the status page's button."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not request.user.has_perm("indexer.request_resume"):
            raise PermissionDenied
        OperatorRequest.objects.create(
            kind=OperatorRequest.Kind.RESUME,
            reason="by the button of the status page",
            requested_by=request.user.get_username(),
            requested_at=timezone.now(),
        )
        messages.success(request, "Asked for: the indexer resumes within a second or two, if one is at work.")
        return HttpResponseRedirect(reverse("admin:index"))

    def runbook(self, request: HttpRequest, section: str) -> TemplateResponse:
        """What to do about an alert: a section of the operations handbook. Raises Http404."""
        paragraphs = runbook().get(section)
        if paragraphs is None:
            raise Http404(f"the runbook has no section {section[:40]!r}: see docs/operations.md of the project")
        context = {**self.each_context(request), "title": section, "paragraphs": paragraphs, "sections": runbook()}
        return TemplateResponse(request, "admin/runbook.html", context)
