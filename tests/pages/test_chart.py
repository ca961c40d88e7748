"""The chart of the value locked."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec
import pytest
from django.test import Client

from ghostnet.pages.chart import LEFT, MAX_POINTS, WIDTH, draw, thin
from indexer.domain.units import DATA
from indexer.selectors.chart import ChartPoint
from tests.chains import user
from tests.indexer.store.building import deployed, index_blocks
from tests.web import WebClient

START = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def points(*values: int | None) -> list[ChartPoint]:
    """A point each hour; None where nothing changed the value before."""
    found: list[ChartPoint] = []
    for index, value in enumerate(values):
        tvl = found[-1].tvl if value is None else value * DATA
        found.append(ChartPoint(START + index * HOUR, tvl, value is not None))
    return found


def test_it_has_axes_and_ends_with_the_value_of_now() -> None:
    chart = draw("24 h", points(*range(1, 26)), [], 70 * DATA)
    assert chart is not None
    assert [tick.text for tick in chart.rows] == ["0", "20", "40", "60", "80"]
    assert [tick.text for tick in chart.columns][:2] == ["04:00", "08:00"]
    assert all(chart.left + 36 < tick.place < chart.right - 28 for tick in chart.columns), "a phone shows each whole"
    assert chart.values.split()[-2:] == ["24", "70"]
    assert (chart.start, chart.step) == (int((START + HOUR).timestamp()), 3600)
    assert chart.summary == "lowest 1.00 DATA, highest 70.00 DATA"
    assert len(chart.lines) == 1
    assert draw("24 h", points(1), [], DATA) is None


def test_where_nothing_changed_for_long_there_is_a_gap() -> None:
    chart = draw("24 h", points(1, 2, None, None, None, None, 3, None, 4), [], 4 * DATA)
    assert chart is not None
    assert len(chart.lines) == 2
    assert len(chart.gaps) == 1
    ends = re.findall(r"[\d.]+,[\d.]+", chart.gaps[0])
    assert chart.lines[0].endswith(ends[0])
    assert chart.lines[1].startswith(ends[1])


def test_resets_are_marked_where_they_were() -> None:
    resets = [START, START + 3 * HOUR, START + 30 * HOUR]
    chart = draw("24 h", points(*range(5)), resets, DATA)
    assert chart is not None
    assert [mark.text for mark in chart.resets] == ["reset 2026-11-01 03:00 UTC"]
    assert LEFT < chart.resets[0].place < WIDTH


def test_a_long_history_is_thinned_out_and_keeps_its_end() -> None:
    whole = points(*range(1000))
    few = thin(whole)
    assert MAX_POINTS / 2 < len(few) <= MAX_POINTS
    assert few[-1].tvl == whole[-1].tvl
    assert len({later.time - former.time for former, later in pairwise(few)}) == 1
    assert thin([]) == []


def test_the_page_offers_each_span_without_scripts(season_web: WebClient) -> None:
    page = season_web.get("/").content.decode()
    assert re.findall(r'<label for="span-\d">([^<]+)</label>', page) == ["24 h", "7 d", "30 d", "all"]
    assert page.count('<svg class="chart"') == 4
    assert "style=" not in page


@pytest.mark.usefixtures("database")
def test_a_chain_whose_clock_was_turned_by_centuries_has_a_page() -> None:
    chain = deployed()
    chain.jack_in(user(1), 100 * DATA, 1)
    chain.jack_in(user(2), 100 * DATA, 1)
    blocks = chain.blocks
    blocks[-1] = msgspec.structs.replace(blocks[-1], timestamp=blocks[-1].timestamp + 10**10)
    index_blocks(blocks)
    page = Client().get("/")
    assert (page.status_code, 'class="charts"' in page.content.decode()) == (200, True)
