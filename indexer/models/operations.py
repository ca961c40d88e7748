"""Tables for operators: alarms, incidents, quarantined logs, audits, and requests to the indexer."""

from typing import ClassVar

from django.db import models

from indexer.models.fields import HashField


class Alarm(models.Model):
    """A condition that needs an operator's attention; `/health/ready` answers 503 during it. Deleted when it ends."""

    kind = models.CharField(primary_key=True, max_length=32)
    message = models.TextField()
    raised_at = models.DateTimeField()

    class Meta:
        db_table = "alarms"

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


class Incident(models.Model):
    """What happened to the indexer: a start, an interruption, an alarm or its end; kept for a month.

    `kind` is one of `indexer.store.incidents.IncidentKind`.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    kind = models.CharField(max_length=16)
    message = models.TextField()

    class Meta:
        db_table = "incidents"
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


class QuarantinedLog(models.Model):
    """A log that an operator excluded: it is archived, but no rule is applied to it."""

    id = models.BigAutoField(primary_key=True)
    tx_hash = HashField()
    log_index = models.IntegerField()
    reason = models.TextField()
    quarantined_at = models.DateTimeField()

    class Meta:
        db_table = "quarantined_logs"
        constraints: ClassVar = [models.UniqueConstraint(fields=["tx_hash", "log_index"], name="quarantined_logs_key")]

    def __str__(self) -> str:
        return f"log {self.log_index} of {self.tx_hash}"


class Audit(models.Model):
    """A finished comparison of the tables with the contracts' views; `duration_ms` includes the node's answers.

    `report` has the first of the differences, one a line.
    """

    id = models.BigAutoField(primary_key=True)
    finished_at = models.DateTimeField()
    block_number = models.BigIntegerField()
    views_checked = models.BigIntegerField()
    differences = models.BigIntegerField()
    duration_ms = models.IntegerField()
    report = models.TextField(default="", db_default="")

    class Meta:
        db_table = "audits"
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"audit at block {self.block_number}"


class OperatorRequest(models.Model):
    """A request to the indexer, with its author, time, reason and outcome.

    `argument` is the log to quarantine (`TX:LOG`), the block to rebuild from, or how much to audit; empty for the
    default. `done_at` is null until the request has run; `failed` says that it did not succeed.
    """

    class Kind(models.TextChoices):
        """The kinds of requests; each is a permission of its own."""

        PAUSE = "pause", "pause indexing"
        RESUME = "resume", "resume indexing"
        AUDIT = "audit", "audit now"
        REBUILD = "rebuild", "rebuild the state from the archive"
        QUARANTINE = "quarantine", "go past a log (quarantine)"

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    argument = models.CharField(max_length=100, blank=True)
    reason = models.TextField()
    requested_by = models.CharField(max_length=150)
    requested_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True)
    failed = models.BooleanField(default=False)
    outcome = models.TextField(blank=True)

    class Meta:
        db_table = "operator_requests"
        ordering: ClassVar = ["-id"]
        permissions: ClassVar = [
            ("request_pause", "Can pause indexing"),
            ("request_resume", "Can resume indexing"),
            ("request_audit", "Can ask for an audit"),
            ("request_rebuild", "Can ask for a rebuild of the state"),
            ("request_quarantine", "Can quarantine a log"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} by {self.requested_by}"
