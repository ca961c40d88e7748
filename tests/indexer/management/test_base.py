"""The arguments of the commands."""

import signal
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from indexer.management.base import GhostnetCommand, stop_on_signals, stop_signals


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


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("replay_chain x --port=65536", "no port"),
        ("replay_chain x --port=-1", "no port"),
        ("demo --port=99999", "no port"),
        ("replay_chain x --stretch=0", "whole number of at least 1"),
        ("replay_chain x --head=-5", "no block's number"),
        ("replay_chain x --foreign=-1", "whole number of at least 0"),
        ("replay_chain x --blocks-per-second=nan", "not a number of at least 0"),
        ("replay_chain x --flaky=inf", "not a number of at least 0"),
    ],
)
def test_an_option_that_can_not_be_used_is_refused_before_anything_is_done(command: str, says: str) -> None:
    with pytest.raises(CommandError, match=says):
        call_command(*command.split())


@pytest.fixture
def handlers() -> Iterator[None]:
    """What signals do is restored afterwards."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_command_ends_in_order_also_when_its_terminal_is_closed(handlers: None, number: signal.Signals) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    stop = stop_on_signals()
    signal.raise_signal(number)
    assert stop.is_set()


def test_under_nohup_a_command_outlives_its_terminal(handlers: None) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    assert signal.SIGHUP not in stop_signals()


def test_ctrl_c_ends_a_command_with_a_sentence() -> None:
    class Interrupted(GhostnetCommand):
        def run(self, *args: Any, **options: Any) -> None:
            raise KeyboardInterrupt

    with pytest.raises(CommandError, match="interrupted") as caught:
        Interrupted().handle()
    assert caught.value.returncode == 130
