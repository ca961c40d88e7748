"""The failures of the rules: the mirror and the chain disagree."""

from indexer.base.errors import GhostnetError


class InvariantBroken(GhostnetError):
    """The mirror and the chain disagree: a rule is missing here, or a log was lost or doubled."""

    help = (
        "Everything before that block is written, nothing of it. Check that GHOSTNET_DEPLOYMENT names the right "
        "contracts and start block, and that no logs were left out: the last blocks were compared with what each node "
        "says, `manage.py refetch_blocks FROM` compares earlier ones. Else report the event named above. "
        "`index_chain --quarantine TX:LOG` goes past it: the event is archived and recorded, but not applied."
    )


class DeathsUnresolved(InvariantBroken):
    """No reading of the chain shows who died in a `submitDeaths` call."""

    help = (
        "The calldata does not name the dead and their seed draw is ambiguous. Point GHOSTNET_RPC_URLS at a node that "
        "answers debug_traceTransaction or eth_call at that block."
    )
