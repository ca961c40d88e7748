"""What the indexer's upkeep has done: history that was removed, and the last run of each step."""

from django.db import models


class RetentionHorizon(models.Model):
    """A history table whose rows from before `before` have been deleted."""

    name = models.CharField(primary_key=True, max_length=63)
    before = models.DateTimeField()

    class Meta:
        db_table = "retention_horizons"

    def __str__(self) -> str:
        return f"{self.name} before {self.before}"


class UpkeepRun(models.Model):
    """The last run of a step of upkeep: what it did, at which chain time, and how long it took."""

    step = models.CharField(primary_key=True, max_length=32)
    finished_at = models.DateTimeField()
    chain_time = models.DateTimeField()
    duration_ms = models.IntegerField()
    done = models.TextField()

    class Meta:
        db_table = "upkeep_runs"

    def __str__(self) -> str:
        return f"{self.step}: {self.done}"
