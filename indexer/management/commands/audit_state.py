"""Compare the indexed state with the contracts' own views."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from indexer.maintenance.audit import audit
from indexer.management.base import GhostnetCommand, block_number, positive
from indexer.store.database import connect
from indexer.sync.audits import audit_checkpoint


class Command(GhostnetCommand):
    """Audits every position, level, round, bet, balance and total, or a sample of them."""

    help = (
        "Compare the indexed state with the contracts' views, asked by eth_call after the same block. Prints each "
        "difference; exits 1 if there is one. An audit of the last block also raises or clears the audit's alarm."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--at-block", type=block_number, help="any indexed block whose state the node has (default: last)"
        )
        parser.add_argument("--sample", type=positive, help="so many players, accounts, rounds and bets (default: all)")

    def run(self, *, at_block: int | None, sample: int | None, **options: Any) -> None:
        with connect() as connection:
            rpc_urls = settings.GHOSTNET.rpc_urls
            if at_block is None:
                report = audit_checkpoint(connection, rpc_urls, sample)
            else:
                report = audit(connection, rpc_urls, at_block, sample)
        for difference in report.differences:
            self.stdout.write(str(difference))
        summary = f"block {report.block}: {report.outcome}, {report.duration:.1f} s"
        if report.differences:
            raise CommandError(summary)
        self.stdout.write(summary)
