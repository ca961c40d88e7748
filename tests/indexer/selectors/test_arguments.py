"""Arguments of events, in the terms of the API."""

from typing import Any

import pytest

from indexer.selectors.arguments import shown_arguments


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ({"level": 4}, {"level": 4, "level_name": "DARKNET"}),
        ({"target_level": 0}, {"target_level": None, "target_level_name": None}),
        ({"scan_id": "12", "total_dead": "12"}, {"scan_id": 12, "total_dead": "12"}),
        ({"is_over": False}, {"side": "under"}),
        ({"outcome": True}, {"outcome": "over"}),
        ({"round_type": 2}, {"round_type": "streak_record"}),
        ({"boost_type": 1}, {"boost_type": "yield_multiplier"}),
        ({"boost_type": 9}, {"boost_type": "unknown"}),
        ({"deadline": str(2**64 - 1)}, {"deadline": None}),
        ({"expiry": "1767225600"}, {"expiry": "2026-01-01T00:00:00Z"}),
        ({"reason": "0x" + b"direct".hex().ljust(64, "0")}, {"reason": "direct"}),
        ({"reason": "0x" + "ff" * 32}, {"reason": "0x" + "ff" * 32}),
        ({"reason": "0x" + "00" * 32}, {"reason": "0x" + "00" * 32}),
        (
            {"user": "0x08a14f70b4bc7f46e172ad6795516405eb88f1eb"},
            {"user": "0x08A14F70b4bc7f46E172aD6795516405Eb88F1eb"},
        ),
    ],
)
def test_arguments_are_shown_in_the_words_of_the_api(stored: dict[str, Any], shown: dict[str, Any]) -> None:
    found = shown_arguments(stored)
    if "user" in shown:
        assert found["user"].lower() == shown["user"].lower() != found["user"]
    else:
        assert found == shown
