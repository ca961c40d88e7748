"""The line that says how far pages can be relied on."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from ghostnet.pages.service_state import State, service_state
from indexer.models import Heartbeat, OperatorRequest
from tests.factories import AlarmFactory, CheckpointFactory, HeartbeatFactory, OperatorRequestFactory, now

ALL = (
    (State.LIVE, r"live", lambda: None),
    (State.BEHIND, r"behind by 1,900 blocks", lambda: HeartbeatFactory.create(chain_head=2_000)),
    (
        State.SILENT,
        r"silent for 2\d s: the indexer is not at work",
        lambda: HeartbeatFactory.create(seen_at=now() - timedelta(seconds=25)),
    ),
    (
        State.PAUSED,
        r"paused by ops \d s ago: because",
        lambda: OperatorRequestFactory.create(done_at=now()),
    ),
    (State.ALARM, r"alarm: the indexer has halted", AlarmFactory.create),
)


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(("state", "text", "happen"), ALL, ids=[str(state) for state, *_ in ALL])
def test_each_state_is_shown_in_a_line(state: State, text: str, happen: Callable[[], object]) -> None:
    CheckpointFactory.create(block_number=100)
    if state not in (State.BEHIND, State.SILENT):
        HeartbeatFactory.create(chain_head=102)
    happen()
    found = service_state()
    assert found.state == state
    assert re.fullmatch(text, found.text)


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("hours", [-5, 5])
def test_the_clock_of_this_machine_does_not_matter(monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    CheckpointFactory.create()
    HeartbeatFactory.create()
    monkeypatch.setattr(timezone, "now", lambda: now() + timedelta(hours=hours))
    assert service_state().state == State.LIVE
    Heartbeat.objects.update(seen_at=now() - timedelta(seconds=25))
    assert re.fullmatch(r"silent for 2\d s: the indexer is not at work", service_state().text)


@pytest.mark.usefixtures("database")
def test_the_worst_comes_first_and_what_is_over_is_not_shown() -> None:
    assert service_state().text == "nothing is indexed yet"
    CheckpointFactory.create(indexed_at=now() - timedelta(minutes=5))
    HeartbeatFactory.create()
    assert service_state().text == "silent for 5 min: the chain has no new block"
    OperatorRequestFactory.create()
    assert service_state().state == State.SILENT, "a pause that nobody has carried out yet"
    OperatorRequestFactory.create(done_at=now(), failed=True)
    assert service_state().state == State.SILENT
    OperatorRequestFactory.create(done_at=now())
    AlarmFactory.create()
    assert service_state().state == State.ALARM
    assert service_state().pause is not None
    OperatorRequestFactory.create(kind=OperatorRequest.Kind.RESUME, done_at=now())
    assert service_state().pause is None
