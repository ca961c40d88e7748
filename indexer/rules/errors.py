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


class BelowZero(InvariantBroken):
    """More DATA is moved than there is: what came before is not in the mirror."""

    help = (
        "Everything before that block is written, nothing of it. Most likely start_block, in the file that "
        "GHOSTNET_DEPLOYMENT names, is too late: it must not be later than the block in which the first of the "
        "contracts was created. Set it to that one, and index into an empty database. If it is right, logs were left "
        "out: `manage.py refetch_blocks FROM` compares earlier blocks with what the node says now."
    )


class DeathsUnresolved(InvariantBroken):
    """No reading of the chain shows who died in a `submitDeaths` call."""

    help = (
        "The calldata does not name the dead and their seed draw is ambiguous. Point GHOSTNET_RPC_URLS at a node that "
        "answers debug_traceTransaction or eth_call at that block. In a rebuild, of deaths that were kept undecoded: "
        "run `manage.py refetch_blocks` with that block, then index_chain, which fetches their calldata."
    )
