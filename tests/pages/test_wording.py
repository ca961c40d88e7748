"""Words for events, times and markets: no raw names or values remain in them."""

import re
from typing import Any

import pytest

from ghostnet.pages import wording
from ghostnet.pages.names import contract_names
from ghostnet.pages.times import ago, left
from ghostnet.pages.wording import SENTENCES, has_sentence, in_tokens, question, sentence
from indexer.domain.betting import RoundType
from indexer.domain.units import DATA, DEAD_ADDRESS
from indexer.stream.feed import FeedEvent, FeedItem
from tests.api.paths import PLAYER
from tests.chains import user
from tests.paths import PROJECT
from tests.web import WebClient

MAX_UINT256 = 2**256 - 1
RAW = re.compile(r"[a-z]+_[a-z]+|\bNONE\b|11579208|1844674|\bNone\b|until never")


def item(kind: str, **data: Any) -> FeedItem:
    return FeedItem(1, "feed", True, "", FeedEvent(kind, data, 0, 1, "0x" + "11" * 32))


def words_of(one: FeedItem) -> str:
    return "".join(part.text for part in sentence(one))


def test_transfers_have_a_sentence_unless_another_event_caused_them() -> None:
    (contract, *_) = contract_names()
    assert has_sentence(item("LARGE_TRANSFER", **{"from": user(1), "to": user(2), "value": "1"}))
    assert not has_sentence(item("LARGE_TRANSFER", **{"from": user(1), "to": contract.upper().replace("0X", "0x")}))
    assert not has_sentence(item("LARGE_TRANSFER", **{"from": contract, "to": user(1)}))
    assert not has_sentence(item("TAX", **{"from": user(1)}))
    burn = item("TRANSFER", **{"from": user(1), "to": DEAD_ADDRESS, "value": str(DATA)})
    assert words_of(burn).endswith("sent 1.00 DATA to the dead address")


def test_rewards_are_named_where_there_are_some() -> None:
    for wei, rewards in ("0", "no rewards"), (str(DATA), "1.00 DATA of rewards"):
        left_with = item("EXTRACTED", user=user(1), amount=str(2 * DATA), rewards=wei)
        assert words_of(left_with).endswith(f"extracted 2.00 DATA and {rewards}")


@pytest.mark.parametrize("kind", RoundType)
@pytest.mark.parametrize("line", [0, 1, DATA, MAX_UINT256])
def test_markets_are_questions(kind: RoundType, line: int) -> None:
    for level in (0, 4, None):
        asked = question(kind, level, line)
        assert re.search(r": over or under .+\?$", asked)
        assert not RAW.search(asked)
        assert question(kind.name.lower(), level, str(line)) == asked


def test_ages_and_the_time_left_are_shown_in_one_unit() -> None:
    assert [ago(age) for age in (-5, 0, 119, 120, 7199, 7200, 48 * 3600)] == [
        *("0 s ago", "0 s ago", "119 s ago", "2 min ago", "119 min ago", "2 h ago", "2 days ago")
    ]
    assert [left(time) for time in (-1, 0, 5, 65, 3665, 49 * 3600)] == [
        "due",
        "due",
        "0:05",
        "1:05",
        "1:01:05",
        "2 days",
    ]


def test_amounts_are_cut_off_not_rounded() -> None:
    assert in_tokens(1999 * DATA // 1000) == "1.99"
    assert in_tokens(-1) == "-0.00"


def test_no_page_shows_what_is_meant_for_machines(season_web: WebClient) -> None:
    """Each page of the season, without its markup, and without what a game names so."""
    for path in ("/", f"/player/{PLAYER}", "/scan/5/1", "/round/1", "/block/500", "/search?q=nothing"):
        text = season_web.get(path).content.decode()
        text = re.sub(r"<script.*?</script>|<head>.*?</head>|<[^>]*>", " ", text, flags=re.DOTALL)
        assert not RAW.findall(text), path


def test_every_word_with_an_explanation_leads_to_it(season_web: WebClient) -> None:
    for path in ("/", "/scan/5/1", "/round/1", f"/player/{PLAYER}"):
        text = season_web.get(path).content.decode()
        explained = set(re.findall(r' id="(about-\S+)"', text))
        used = set(re.findall(r'popovertarget="([^"]*)"', text))
        assert {"about-jacked-in", "about-dimmed", "about-toll"} <= used <= explained


def test_every_sentence_can_be_filled_in() -> None:
    """By the same shapes on both sides."""
    shapes = {shape for text in SENTENCES.values() for _, shape in re.findall(r"\{(\w+):(\w+)\}", text)}
    script = (PROJECT / "ghostnet/pages/static/ghostnet/words.js").read_text()
    known = set(
        re.findall(r"^  (\w+)(?::|,)", script.partition("const SHAPES = {")[2].partition("};")[0], re.MULTILINE)
    )
    assert shapes <= known == set(wording._SHAPES)
