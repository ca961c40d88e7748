"""Requests of operators to the indexer: entered here, run by the indexer (`indexer.sync.requests`)."""

from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from ghostnet.pages.templatetags.game import stamp
from indexer.base.errors import GhostnetError
from indexer.models import OperatorRequest
from indexer.store.quarantine import parse_log

EFFECTS: Final = {
    "pause": "Nothing is indexed until somebody resumes; what is indexed is served on.",
    "resume": "Indexing goes on where it was.",
    "audit": "A sample of the state is compared with the contracts' own views; indexing waits meanwhile.",
    "rebuild": "All derived tables are computed anew from the archive and replaced where they differ; indexing waits.",
    "quarantine": "No rule will ever be applied to this log: the state differs from the contracts' from there on.",
}


class RequestForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new request; its kind is entered twice, so that none is made by accident."""

    confirmation = forms.CharField(help_text="Write the kind once more: pause, resume, audit, rebuild or quarantine.")

    class Meta:
        model = OperatorRequest
        fields: ClassVar = ["kind", "argument", "reason"]
        help_texts: ClassVar = {
            "kind": format_html_join("", "{}: {}<br>", EFFECTS.items()),
            "argument": "audit: how many players to look at; rebuild: the first block; quarantine: the log, as TX:LOG.",
            "reason": "For those who ask later why. While indexing is paused, spectators see it with your name.",
        }

    def clean(self) -> dict[str, Any]:
        """Refuse arguments that the indexer would refuse, and a kind that was not confirmed."""
        found: dict[str, Any] = super().clean() or {}
        kind, argument = found.get("kind"), found.get("argument", "")
        if kind and found.get("confirmation", "").strip() != kind:
            self.add_error("confirmation", f"This is not {kind!r}: nothing was asked for.")
        if kind == "quarantine":
            try:
                parse_log(argument)
            except GhostnetError as error:
                self.add_error("argument", str(error))
        elif kind in ("audit", "rebuild") and argument and not (argument.isascii() and argument.isdecimal()):
            self.add_error("argument", "This is not a whole number.")
        return found


@admin.register(OperatorRequest)
class RequestAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """All requests and their outcomes; a new one needs the permission of its kind."""

    form = RequestForm
    list_display = ("result", "kind", "argument", "reason", "requested_by", "asked", "done", "outcome")
    list_filter = ("kind", "failed")
    list_display_links = ("kind",)
    show_facets = admin.ShowFacets.NEVER

    @admin.display(description="result")
    def result(self, row: OperatorRequest) -> str:
        """What became of the request, in a colour."""
        word = "waiting" if row.done_at is None else "failed" if row.failed else "done"
        return format_html('<span class="result {0}">{0}</span>', word)

    @admin.display(description="asked for, UTC")
    def asked(self, row: OperatorRequest) -> str:
        """The time of the request."""
        return stamp(row.requested_at)

    @admin.display(description="run, UTC")
    def done(self, row: OperatorRequest) -> str:
        """The time when it was run."""
        return "–" if row.done_at is None else stamp(row.done_at)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """The form of one request, under a title that says what it is."""
        page = {"title": "Ask the indexer for something", "show_save_and_add_another": False}
        return super().add_view(request, form_url, {**page, "show_save_and_continue": False, **(extra_context or {})})

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The list, under a title that says what it is."""
        return super().changelist_view(request, {"title": "Requests to the indexer", **(extra_context or {})})

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form, with the kinds that this user may request."""
        form = super().get_form(request, obj, change=change, **kwargs)
        kinds = [(kind.value, kind.label) for kind in OperatorRequest.Kind if _may(request, kind.value)]
        form.base_fields["kind"] = forms.ChoiceField(choices=kinds, help_text=RequestForm.Meta.help_texts["kind"])
        return form

    def save_model(self, request: HttpRequest, obj: OperatorRequest, form: Any, change: bool) -> None:
        obj.requested_by = request.user.get_username()
        obj.requested_at = timezone.now()
        super().save_model(request, obj, form, change)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return any(_may(request, kind.value) for kind in OperatorRequest.Kind)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _may(request: HttpRequest, kind: str) -> bool:
    return request.user.has_perm(f"indexer.request_{kind}")
