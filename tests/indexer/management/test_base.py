"""What the commands take as arguments."""

import pytest
from django.core.management import CommandError, call_command


@pytest.mark.parametrize("number", ["-1", "1.5", "0x10", "", "ten", str(1 << 40), str(1 << 64)])
@pytest.mark.parametrize(
    "command",
    [
        ["refetch_blocks", "{}"],
        ["refetch_blocks", "0", "{}"],
        ["rebuild_state", "--from-block={}"],
        ["audit_state", "--at-block={}"],
        ["dump_state", "--at-block={}"],
        ["state_digest", "--at-block={}"],
        ["index_chain", "--from-block={}"],
        ["index_chain", "--to-block={}"],
    ],
    ids=" ".join,
)
def test_what_is_no_block_s_number_is_refused_before_anything_is_done(command: list[str], number: str) -> None:
    with pytest.raises(CommandError, match="is no block's number: those are whole numbers from 0 to"):
        call_command(*[part.format(number) for part in command])
