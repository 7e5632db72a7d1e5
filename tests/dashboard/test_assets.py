"""The page's own JavaScript, function by function, in a browser without the page around it."""

import itertools
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from features.market_impact import Side, market_impact
from orderbook.book_state import TopOfBook
from state.frames import Percentiles, StreamHealth
from tests.api.serving import a_health
from tests.dashboard.browser import NONE, Watched, chromium
from tests.dashboard.fake_api import a_ladder, dark, ladder, live
from tests.program import ROOT, Frame

pytestmark = pytest.mark.asyncio(loop_scope="module")

PURE = (
    "axis_ranges", "book_profile", "book_surface", "colour_scale", "connection", "detection_list", "detection_marks",
    "frame_store", "health_panel", "impact_form", "map_bubbles",
    "message_queue", "price_steps", "readout", "step_line", "themes",
)  # fmt: skip
T0 = 1_700_000_000
SYMBOL = "BTCUSDT"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scripts() -> AsyncIterator[Watched]:
    """Return an empty page that has loaded the scripts which need no document."""
    async with chromium() as browser:
        context = await browser.new_context()
        watched = Watched(context, await context.new_page())
        for name in PURE:
            await watched.page.add_script_tag(path=ROOT / "dashboard" / "assets" / f"{name}.js")
        yield watched
        assert watched.complaints == []


async def call(scripts: Watched, function: str, *arguments: object) -> Any:
    """Return what `liquidity.<function>(*arguments)` gives; maps come as lists of pairs."""
    return await scripts.do(
        """([path, values]) => {
          const [names, owner] = [path.split("."), window.liquidity];
          const found = names.reduce((value, name) => value[name], owner)(...values);
          const plain = (value) => value instanceof Map ? Array.from(value)
            : ArrayBuffer.isView(value) ? Array.from(value)
            : value && typeof value === "object" && !Array.isArray(value)
              ? Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plain(part)])) : value;
          return plain(found);
        }""",
        [function, list(arguments)],
    )


# --- price steps ------------------------------------------------------------------------------------------

UNEVEN = ladder(10, [(1000, 1.0), (980, 2.0), (970, None), (960, None)], [(1010, 3.0), (1040, 4.0)])
"""Step 1 USDT. Bids 100 and 98, then unknown; asks end at 101 and 104; the mid is 100.5."""


async def test_cells_are_the_ladders_groups_in_steps_from_zero(scripts: Watched) -> None:
    """A bid group begins at its price, an ask group ends at it, and an unknown one is outside."""
    cells = await call(scripts, "priceSteps.cellsOf", UNEVEN, 100.5)
    assert cells["bids"] == [[100, 1.0], [98, 2.0]]
    assert cells["asks"] == [[100, 3.0], [103, 4.0]]
    assert (cells["low"], cells["high"]) == (98, 103)
    assert (cells["step"], cells["mid"]) == (1.0, 100.5)


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        (100.2, ("bid", 1.0, 100)),  # below the mid, so the bid's part of the bin that both share
        (100.7, ("ask", 3.0, 100)),
        (99.5, ("bid", 0, 99)),  # no group there: known to be empty
        (98.0, ("bid", 2.0, 98)),
        (97.9, None),  # past the last known bid
        (101.0, ("ask", 0, 101)),
        (103.99, ("ask", 4.0, 103)),
        (104.0, None),  # past the last ask
    ],
)
async def test_the_cell_at_a_price(
    scripts: Watched, price: float, expected: tuple[str, float, int] | None
) -> None:
    """A price inside the groups has a side and a size, one outside has nothing."""
    found = await scripts.do(
        """([ladder, price]) => {
          const { cellsOf, cellAt } = window.liquidity.priceSteps;
          return cellAt(cellsOf(ladder, 100.5), price);
        }""",
        [UNEVEN, price],
    )
    if expected is None:
        assert found is None
    else:
        side, size, bin_ = expected
        assert found == {"side": side, "size": size, "from": bin_, "to": bin_ + 1}


@pytest.mark.parametrize("ticks", [1, 10, 50, 100])
async def test_bins_are_whole_at_every_step(scripts: Watched, ticks: int) -> None:
    """Float noise in prices such as 60,000.1 / 0.1 moves no group into its neighbour's bin."""
    for mid in range(600_000, 600_200, 7):
        one = a_ladder(ticks, mid, mid)
        cells = await call(scripts, "priceSteps.cellsOf", one, mid / 10 + 0.05)
        assert cells["bids"][0][0] == mid // ticks
        assert [bin_ for bin_, _ in cells["bids"]] == [mid // ticks - level for level in range(10)]
        assert [bin_ for bin_, _ in cells["asks"]] == [cells["asks"][0][0] + level for level in range(10)]


async def test_the_step_is_the_smallest_that_covers_the_windows_range(scripts: Watched) -> None:
    """Quiet markets get ticks, lively ones coarse steps, and the coarsest is taken where none is enough."""

    async def chosen(spread_of_mids: int, current: int | None = None) -> int:
        rows = [
            live(SYMBOL, (T0 + at) * 1000, mid=600_000 + offset)
            for at, offset in enumerate((0, spread_of_mids))
        ]
        return int(await call(scripts, "priceSteps.chooseStep", rows, current))

    assert [await chosen(ticks) for ticks in (2, 80, 400, 900, 50_000)] == [0, 1, 2, 3, 3]


async def test_the_step_does_not_flutter(scripts: Watched) -> None:
    """A finer step comes back only once the range is well inside it; a coarser one comes at once."""

    async def chosen(spread_of_mids: int, current: int) -> int:
        rows = [
            live(SYMBOL, (T0 + at) * 1000, mid=600_000 + offset)
            for at, offset in enumerate((0, spread_of_mids))
        ]
        return int(await call(scripts, "priceSteps.chooseStep", rows, current))

    assert await chosen(80, 2) == 2
    assert await chosen(20, 2) == 1
    assert await chosen(400, 1) == 2


async def test_the_step_without_a_live_row_stays(scripts: Watched) -> None:
    """A window that is not live moves no step, and without any row before there is a step as well."""
    rows = [dark(SYMBOL, T0 * 1000), None]
    assert await call(scripts, "priceSteps.chooseStep", rows, 3) == 3
    assert await call(scripts, "priceSteps.chooseStep", rows, None) in range(4)
    assert await call(scripts, "priceSteps.ladderOf", rows[0], 0) is None
    assert await call(scripts, "priceSteps.ladderOf", None, 0) is None


# --- colours ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "low", "high", "expected"),
    [
        (list(range(1, 102)), 0, 100, [1, 101]),
        (list(range(1, 102)), 20, 99, [21, 100]),
        ([0, 0, 5, 3, 0], 0, 100, [3, 5]),
        ([2, 10, 9, 1], 0, 100, [1, 10]),  # as numbers, not as texts
        ([7], 20, 99, [7, 7.007]),
        ([4, 4, 4], 0, 100, [4, 4.004]),
        ([], 20, 99, None),
        ([0, 0], 20, 99, None),
    ],
)
async def test_the_range_is_two_percentiles_of_what_is_there(
    scripts: Watched, sizes: list[float], low: int, high: int, expected: list[float] | None
) -> None:
    """Zeros do not count, the ends differ even for one size, and of nothing there is no range."""
    found = await call(scripts, "colourScale.rangeOf", sizes, low, high)
    assert found == (expected if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("size", "logarithmic", "expected"),
    [
        (0, True, 0),
        (0, False, 0),
        (1, True, 0.04),  # present, so never as if empty
        (0.001, True, 0.04),
        (0.001, False, 0.04),
        (10, True, 0.5),
        (50.5, False, 0.5),
        (100, True, 1),
        (10_000, True, 1),
        (10_000, False, 1),
    ],
)
async def test_the_place_of_a_size_in_the_scale(
    scripts: Watched, size: float, expected: float, *, logarithmic: bool
) -> None:
    """Between the ends a size lies by its logarithm or its value; outside it is at an end."""
    found = await call(scripts, "colourScale.positionOf", size, [1, 100], logarithmic)
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_the_colours_grow_away_from_the_background(scripts: Watched, theme: str) -> None:
    """Each side's ramp goes evenly from one end of lightness to the other, and all is opaque."""
    table = await call(scripts, "colourScale.lookUpTable", theme)
    assert len(table) == 2 * 256 * 4
    for side in (table[:1024], table[1024:]):
        assert set(side[3::4]) == {255}
        light = [
            0.2126 * red + 0.7152 * green + 0.0722 * blue
            for red, green, blue in zip(side[0::4], side[1::4], side[2::4], strict=True)
        ]
        sign = 1 if theme == "dark" else -1
        assert all(sign * (after - before) > -1 for before, after in itertools.pairwise(light))
        assert sign * (light[-1] - light[0]) > 100


# --- the window -------------------------------------------------------------------------------------------


async def store(scripts: Watched, frames: list[Frame]) -> dict[str, Any]:
    """Return what a FrameStore holds that has taken these frames, and what each changed."""
    found: dict[str, Any] = await scripts.do(
        """(frames) => {
          const store = new window.liquidity.FrameStore();
          const changed = frames.map((frame) => store.apply(frame));
          return {
            changed, missed: store.missed, newest: store.newest,
            seconds: Array.from(store.rows.keys()),
            window: store.window().map((row) => row && [row.timestamp / 1000, row.status]),
          };
        }""",
        frames,
    )
    return found


def second(offset: int, **others: Any) -> Frame:
    """Return a live frame so many seconds after the start."""
    return live(SYMBOL, (T0 + offset) * 1000, mid=600_000, **others)


async def test_an_empty_store_has_no_window(scripts: Watched) -> None:
    """Before the first frame there is nothing to draw."""
    assert await store(scripts, []) == {
        "changed": [], "missed": 0, "newest": None, "seconds": [], "window": [],
    }  # fmt: skip


async def test_the_window_is_a_hundred_and_eighty_seconds(scripts: Watched) -> None:
    """Of 200 frames the newest 180 stay, in order, and none was missed."""
    found = await store(scripts, [second(at) for at in range(200)])
    assert found["seconds"] == [T0 + at for at in range(20, 200)]
    assert found["window"] == [[T0 + at, "live"] for at in range(20, 200)]
    assert found["missed"] == 0
    assert found["changed"][7] == [T0 + 7]


async def test_a_second_without_a_frame_is_a_hole_and_counted(scripts: Watched) -> None:
    """Missing seconds stay empty in their places; nothing moves up to fill them."""
    found = await store(scripts, [second(0), second(1), second(4)])
    assert found["missed"] == 2
    assert len(found["window"]) == 180
    assert found["window"][-5:] == [[T0, "live"], [T0 + 1, "live"], None, None, [T0 + 4, "live"]]


async def test_history_fills_the_window_and_mends_holes(scripts: Watched) -> None:
    """A first frame's history is all rows; after a reconnect the seconds in between are no loss."""
    rows = [second(at) for at in range(5)]
    found = await store(
        scripts, [second(4, history=rows), second(9, history=[second(at) for at in range(10)])]
    )
    assert found["missed"] == 0
    assert found["seconds"] == [T0 + at for at in range(10)]
    assert set(found["changed"][0]) == {T0 + at for at in range(5)}


async def test_a_clock_that_was_set_back_forgets_what_comes_after(scripts: Watched) -> None:
    """Seconds that lie in the future of the newest frame are gone from the window."""
    found = await store(scripts, [*(second(at) for at in range(10)), second(5)])
    assert found["newest"] == T0 + 5
    assert found["seconds"] == [T0 + at for at in range(6)]
    assert found["missed"] == 0


async def test_rows_keep_what_is_drawn_and_no_health(scripts: Watched) -> None:
    """A row has the keys of the history's own rows that the page reads."""
    keys = await scripts.do(
        """(frame) => {
          const store = new window.liquidity.FrameStore();
          store.apply(frame);
          return Object.keys(store.rows.values().next().value);
        }""",
        second(0),
    )
    assert {"timestamp", "status", "reason", "mid_price", "bid_levels", "ladders", "trades"} <= set(keys)
    assert set(keys) <= set(second(0)) - {"health"}


# --- the connection ---------------------------------------------------------------------------------------


async def connection(scripts: Watched, script: str) -> Any:
    """Return what a script gives that is handed a Connection `c` and the list of URLs it `opened`."""
    return await scripts.do(
        """(script) => {
          const opened = [];
          const c = new window.liquidity.Connection("ws://host:1", (url) => opened.push(url));
          return new Function("c", "opened", script)(c, opened);
        }""",
        script,
    )


async def test_a_symbol_is_asked_for_with_ladders_at_an_address_of_its_own(scripts: Watched) -> None:
    """Each connection has another URL, since the component reconnects only to a new one."""
    opened = await connection(scripts, "c.follow('A', 0); c.follow('B', 1); c.follow('A', 2); return opened;")
    assert [url.split("?")[0] for url in opened] == [
        "ws://host:1/ws/A",
        "ws://host:1/ws/B",
        "ws://host:1/ws/A",
    ]
    assert all("ladders=1" in url for url in opened)
    assert len(set(opened)) == 3


async def test_messages_of_a_connection_given_up_are_ignored(scripts: Watched) -> None:
    """Only the URL in use is heard."""
    heard = await connection(
        scripts,
        "c.follow('A', 0); const old = c.url; c.follow('B', 1); return [c.heard(old, 2), c.heard(c.url, 2)];",
    )
    assert heard == [False, True]


async def test_nothing_is_opened_while_frames_come(scripts: Watched) -> None:
    """An hour of frames once a second needs one connection."""
    opened = await connection(
        scripts,
        """c.follow('A', 0);
        for (let now = 250; now < 3.6e6; now += 250) { if (now % 1000 === 0) c.heard(c.url, now); c.tick(now); }
        return opened.length;""",
    )
    assert opened == 1


async def test_a_closed_connection_is_made_anew_ever_more_slowly(scripts: Watched) -> None:
    """Waits double up to a cap of some seconds, and never stop."""
    times = await connection(
        scripts,
        """const times = [];
        c.open = () => times.push(now);
        let now = 0;
        c.follow('A', now);
        for (; now < 60000; now += 50) { c.lost(); c.tick(now); }
        return times;""",
    )
    waits = [after - before for before, after in itertools.pairwise(times)]
    assert waits[0] < 1000
    assert waits == sorted(waits)
    assert 4000 < waits[-1] < 6000
    assert len(waits) > 10


async def test_a_stable_connection_starts_again_from_the_shortest_wait(scripts: Watched) -> None:
    """After some stable seconds a close is answered at once, not after the longest wait."""
    waits = await connection(
        scripts,
        """let now = 0;
        c.follow('A', now);
        for (; now < 60000; now += 50) { c.lost(); c.tick(now); }
        const stable = now + 15000;
        c.connect(now);
        for (; now < stable; now += 500) c.heard(c.url, now);
        c.lost();
        const [lost, before] = [now, opened.length];
        for (; opened.length === before && now < lost + 60000; now += 50) c.tick(now);
        return now - lost;""",
    )
    assert waits <= 1000


async def test_a_silent_connection_is_made_anew(scripts: Watched) -> None:
    """An open socket on which no frame comes for some seconds is given up, again and again."""
    opened = await connection(
        scripts,
        "c.follow('A', 0); for (let now = 0; now <= 30000; now += 250) c.tick(now); return opened.length;",
    )
    assert 4 <= opened <= 10


async def test_a_page_that_was_busy_does_not_take_that_for_silence(scripts: Watched) -> None:
    """Messages that wait while the page draws for seconds are heard before the connection is judged."""
    opened = await connection(
        scripts,
        """c.follow('A', 0);
        for (let now = 250; now < 60000; now += 4500) { c.tick(now); c.tick(now + 10); c.heard(c.url, now + 20); }
        return opened.length;""",
    )
    assert opened == 1


# --- the surface ------------------------------------------------------------------------------------------


async def test_the_surface_has_every_level_from_the_tenth_bid_to_the_tenth_ask(scripts: Watched) -> None:
    """Sizes are shares of the largest colour, bids count below the touch, and not-live columns are empty."""
    rows = [second(at) for at in range(180)]
    rows[-1] = dark(SYMBOL, (T0 + 179) * 1000)
    found = await call(scripts, "surfaceOf", [None, *rows[1:]], 1, [1.0, 5.0], True)
    levels = dict(zip(found["y"], found["z"], strict=True))
    colours = dict(zip(found["y"], found["surfacecolor"], strict=True))
    assert {*range(-10, 0), *range(1, 11)} <= set(levels)
    assert found["y"] == sorted(found["y"])
    assert found["x"] == sorted(found["x"])
    assert found["x"][-1] == 0
    assert -180 <= found["x"][0] <= -170
    for column, ago in enumerate(found["x"]):
        row = rows[179 + ago]
        for level in range(1, 11):
            for side, sign in (("bids", -1), ("asks", 1)):
                height, colour = levels[sign * level][column], colours[sign * level][column]
                if row["status"] != "live":
                    assert height is None
                else:
                    size = row["ladders"][1][side][level - 1][1]
                    assert height == pytest.approx(min(1, size / 5))
                    assert 0 < sign * colour <= 1


async def test_the_surface_of_a_window_that_is_not_live_is_empty(scripts: Watched) -> None:
    """Without a live second no level has a height."""
    rows = [dark(SYMBOL, (T0 + at) * 1000) for at in range(180)]
    found = await call(scripts, "surfaceOf", rows, 0, [1.0, 5.0], True)
    heights = dict(zip(found["y"], found["z"], strict=True))
    assert all(height is None for level in range(1, 11) for height in heights[level] + heights[-level])


# --- lines, bars and bubbles ------------------------------------------------------------------------------


async def step_line(scripts: Watched, values: list[float | None]) -> list[list[float]]:
    """Return the line of such mids, one a second, the last of which ends at T0; None is a row not live."""
    rows = [
        None if value is None else {"status": "live", "mid_price": value if value >= 0 else None}
        for value in values
    ]
    found: list[list[float]] = await scripts.do(
        "([rows, end]) => window.liquidity.stepLine(rows, end, (row) => row.mid_price)", [rows, T0]
    )
    return [[x - T0, y, to_x - T0, to_y] for x, y, to_x, to_y in found]


async def test_a_value_holds_for_the_second_before_its_time(scripts: Watched) -> None:
    """Equal values are one segment, and others are joined where one second ends and the next begins."""
    assert await step_line(scripts, [5.0, 5.0, 7.0]) == [[-3, 5, -1, 5], [-1, 5, -1, 7], [-1, 7, 0, 7]]


async def test_a_line_breaks_where_nothing_is_known(scripts: Watched) -> None:
    """Neither a missing row nor a missing value is bridged."""
    assert await step_line(scripts, [5.0, None, 5.0, -1]) == [[-4, 5, -3, 5], [-2, 5, -1, 5]]
    rows = [dark(SYMBOL, T0 * 1000)]
    assert await scripts.do("(rows) => window.liquidity.stepLine(rows, 1, () => 1)", rows) == []


async def profile(scripts: Watched, function: str, *others: str) -> Any:
    """Return what a function of bookProfile makes of the uneven ladder; sides are named by their maps."""
    return await scripts.do(
        """([ladder, name, [sizes, ...others]]) => {
          const cells = window.liquidity.priceSteps.cellsOf(ladder, 100.5);
          return window.liquidity.bookProfile[name](...(sizes ? [cells, cells[sizes], ...others] : [cells]));
        }""",
        [UNEVEN, function, others],
    )


async def test_bars_are_the_groups_from_price_to_price(scripts: Watched) -> None:
    """Each group is a rectangle from nothing to its size, as high as the step."""
    assert await profile(scripts, "bars", "bids") == [[0, 100, 1, 101], [0, 98, 2, 99]]
    assert await profile(scripts, "bars", "asks") == [[0, 100, 3, 101], [0, 103, 4, 104]]


async def test_cumulative_sizes_grow_away_from_the_touch(scripts: Watched) -> None:
    """The line starts at nothing at the touch and ends at the side's sum at the far end of its last group."""
    bids = await profile(scripts, "cumulative", "bids", "bid")
    assert bids == [[0, 101, 1, 101], [1, 101, 1, 100], [1, 100, 1, 99], [1, 99, 3, 99], [3, 99, 3, 98]]
    asks = await profile(scripts, "cumulative", "asks", "ask")
    assert (asks[0][:2], asks[-1][2:]) == ([0, 100], [7, 104])
    assert await profile(scripts, "deepest") == 7
    assert await profile(scripts, "midLine") == [[0, 100.5, 4, 100.5]]


async def test_bubbles_have_areas_by_size_and_stand_where_their_trades_were(scripts: Watched) -> None:
    """Of each second the three largest prints count, of the window all but the smallest."""
    prints = [[100.0, 16.0, "buy", 1500], [101.0, 4.0, "sell", 1600], [102.0, 1.0, "buy", 1700]]
    rows = [None, {"trades": None}, {"trades": {"largest": [*prints, [103.0, 1.0, "buy", 1800]]}}]
    bubbles = await call(scripts, "tradeBubbles", rows)
    assert [bubble[:2] for bubble in bubbles["buy"]] == [[1.5, 100.0], [1.7, 102.0]]
    assert [bubble[:2] for bubble in bubbles["sell"]] == [[1.6, 101.0]]
    large, small = bubbles["buy"][0][2], bubbles["buy"][1][2]
    assert 3 < small < bubbles["sell"][0][2] <= large == 20
    assert await call(scripts, "tradeBubbles", [None]) == {"buy": [], "sell": []}


def entry(detection: str, event: str, time: int, **others: Any) -> dict[str, Any]:
    """Return an entry of a frame's detections; they all began at 2.5 s."""
    return {
        "id": detection, "kind": "wall", "event": event, "side": "bid", "price": 7.0, "started_at": 2500,
        "time": time, "reason": None, "evidence": {"size": 1.0}, **others,
    }  # fmt: skip


async def test_a_detection_is_marked_where_it_began_and_lasts_until_it_closes(scripts: Watched) -> None:
    """An open one reaches to the newest second; an instant one has a mark and no line."""
    rows = [
        None,
        {"detections": [entry("a", "opened", 8000), entry("b", "fired", 2600, price=8.0)]},
        {"detections": [entry("a", "updated", 9000), entry("c", "opened", 9000, price=9.0)]},
        {"detections": [entry("c", "closed", 9500, price=9.0)]},
    ]
    shapes = await call(scripts, "detectionMarks.detectionShapes", rows, 10)
    assert sorted(mark[:2] for mark in shapes["marks"]) == [[2.5, 7.0], [2.5, 8.0], [2.5, 9.0]]
    assert sorted(shapes["lines"]) == [[2.5, 7.0, 10, 7.0], [2.5, 9.0, 9.5, 9.0]]
    near = await call(
        scripts, "detectionMarks.detectionsNear", rows, 10, {"second": 9.9, "price": 7.1}, 0.2, 0.2
    )
    assert [found["id"] for found in near] == ["a"]


async def test_the_list_has_the_latest_of_each_detection(scripts: Watched) -> None:
    """One that was interrupted keeps the figures that it had."""
    rows = [
        {"detections": [entry("a", "opened", 8000), entry("b", "fired", 2600, started_at=2600)]},
        {"detections": [entry("a", "closed", 9000, reason="interrupted", evidence={})]},
    ]
    latest = await call(scripts, "detectionList.latestDetections", rows)
    assert [(one["id"], one["event"]) for one in latest] == [("b", "fired"), ("a", "closed")]
    assert latest[1]["evidence"] == {"size": 1.0}


@pytest.mark.parametrize(
    ("kind", "evidence", "summary"),
    [
        ("wall", {"size": 12.0, "median_size": 3.0, "held_ms": 5100}, "12, 4.0 x the median, for 5.1 s"),
        (
            "wall",
            {"size": 0, "median_size": 3.0, "held_ms": 9000, "lost": 12.0, "traded": 11.5},
            "lost 12, of that traded 11.5, after 9.0 s",
        ),
        (
            "sweep",
            {"levels": 4, "volume": 0.751, "duration_ms": 88, "last_price": 61808.5},
            "4 levels, 0.751 in 88 ms, to 61,808.5",
        ),
        (
            "absorption",
            {"volume": 9.49, "largest_size": 6.23, "refills": 4},
            "took 9.49 where 6.23 showed at most, 4 refills",
        ),
        (
            "layering",
            {"levels": 3, "changes": [7, 8, 9], "traded_share": 0.08},
            "3 levels, changed 7, 8, 9 times, 8 % traded",
        ),
        (
            "iceberg",
            {"volume": 3.24, "trade_count": 4, "hidden_volume": 3.08},
            "took 3.24 in 4 trades, about 3.08 hidden",
        ),
        (
            "exhaustion",
            {"depth_before": 16.4, "depth_after": 0.41, "spread": 0.2, "direction": "up", "mid": 61825.9},
            "depth 16.4 to 0.41, spread 0.2, mid up to 61,825.9",
        ),
        ("something new", {"size": 1.5}, "size: 1.5"),
        ("wall", {"note": "odd"}, 'note: "odd"'),
    ],
)
async def test_evidence_is_told_in_words(
    scripts: Watched, kind: str, evidence: dict[str, Any], summary: str
) -> None:
    """Each kind has its figures; what the page does not know it shows as it is."""
    one = entry("a", "opened", 8000, kind=kind, evidence=evidence)
    assert await call(scripts, "detectionList.detectionSummary", one, 1) == summary


# --- market impact and health -----------------------------------------------------------------------------

BOOK = TopOfBook([(1000.0, 2.0), (999.0, 3.3456)], [(1000.5, 1.0), (1002.5, 1.0), (1003.0, 0.25)])
"""The mid is 1000.25; its bids hold 5.3456 and its asks 2.25."""


def an_order(side: Side, size: float) -> dict[str, Any]:
    """Return what /simulate answers of an order on the book, as far as the page reads it."""
    found: dict[str, Any] = msgspec.structs.asdict(market_impact(BOOK, size, side))
    return {"side": side.value, "size": size, **found}


@pytest.mark.parametrize(
    ("side", "size", "average", "slippage", "eats", "note"),
    [
        (Side.BUY, 0.5, "1,000.500", "+0.25 (+2.50 bp)", "1 level, to 1,000.5", ""),
        (Side.BUY, 2, "1,001.500", "+1.25 (+12.50 bp)", "2 levels, to 1,002.5", ""),
        (Side.SELL, 4, "999.500", "+0.75 (+7.50 bp)", "2 levels, to 999.0", ""),
        (
            Side.BUY, 1234.5, "1,001.667", "+1.42 (+14.16 bp)", "3 levels, to 1,003.0",
            "Only 2.25 of 1,234.5: the ten levels hold no more.",
        ),
        (
            Side.SELL, 5.34560001, "999.374", "+0.88 (+8.76 bp)", "2 levels, to 999.0",
            "Only 5.3456 of 5.34560001: the ten levels hold no more.",
        ),
    ],
)  # fmt: skip
async def test_an_order_is_told_in_words(
    scripts: Watched, side: Side, size: float, average: str, slippage: str, eats: str, note: str
) -> None:
    """Prices have the decimals of the ticks and some more, a cost is positive for both sides, and sizes are exact."""
    figures = [["average", average], ["slippage", slippage], ["eats", eats]]
    assert await call(scripts, "orderTexts", an_order(side, size), 1) == [figures, note]


@pytest.mark.parametrize(
    ("side", "size", "box"),
    [
        (Side.BUY, 2, [0, 1000.25, 2, 1002.5]),
        (Side.SELL, 4, [0, 999, 4, 1000.25]),
        (Side.BUY, 9, [0, 1000.25, 2.25, 1003]),
    ],
)
async def test_the_box_of_an_order_reaches_from_the_mid_to_its_worst_price(
    scripts: Watched, side: Side, size: float, box: list[float]
) -> None:
    """It is as long as what was filled, and lies on the side of the book that the order takes."""
    assert await call(scripts, "bookProfile.orderBox", an_order(side, size)) == [box]


async def health_lines(scripts: Watched, **others: Any) -> dict[str, str]:
    """Return the panel's lines by name for a health of which `others` replace fields."""
    health = msgspec.to_builtins(msgspec.structs.replace(a_health(), **others))
    lines: list[list[str]] = await call(scripts, "healthLines", health)
    return {line[0]: line[1] for line in lines}


async def test_every_part_of_the_health_has_a_line(scripts: Watched) -> None:
    """Numbers stand beside what they count, and a stream that is not open says why."""
    assert await health_lines(scripts) == {
        "depth": "open, 2 reconnects, 3 malformed, 4 dropped",
        "trades": "silent: no trade for 6 s, 5 reconnects, 6 malformed, 7 dropped, 22 missing in 21 gaps, 23 repeated",
        "latency": "8.0 ms median, 21.0 ms at 99 %",
        "lag": "newest event 25.0 ms old by the exchange's clock",
        "clock": "offset to the exchange not known yet",
        "updates": "9.5/s, 150.0 ms between them at 99 %",
        "book": "11 gaps, 12 resyncs, 13 snapshots",
        "audits": "15, 1,600 levels compared, 17 mismatches",
        "covered": "900 bids, 800 asks",
    }


async def test_causes_and_the_clock_are_told_where_they_are_known(scripts: Watched) -> None:
    """Causes stand with their counts after what they caused; an offset may be negative, and has its uncertainty."""
    lines = await health_lines(
        scripts,
        depth=StreamHealth("down", "refused", None, 3, {"closed": 2, "refused": 1}, 0, 0),
        resync_causes={"gap": 11, "audit": 1},
        clock_offset_ms=-12.34,
        clock_uncertainty_ms=0.56,
    )
    assert lines["depth"] == "down: refused, 3 reconnects (closed 2, refused 1), 0 malformed, 0 dropped"
    assert lines["book"] == "11 gaps, 12 resyncs (gap 11, audit 1), 13 snapshots"
    assert lines["clock"] == "-12.3 ms to the exchange, within 0.6 ms"


async def test_what_was_never_measured_is_no_number(scripts: Watched) -> None:
    """Before the first message, latencies and the covered levels are dashes, and never zero."""
    nothing = Percentiles(None, None)
    lines = await health_lines(
        scripts, latency_ms=nothing, update_interval_ms=nothing, update_rate=0.0, covered_levels=None
    )
    assert lines["latency"] == f"{NONE} median, {NONE} at 99 %"
    assert lines["updates"] == f"0.0/s, {NONE} between them at 99 %"
    assert lines["covered"] == NONE


async def test_each_process_has_a_line(scripts: Watched) -> None:
    """An engine is named with its symbol, and restarts are told where there were any."""
    processes = [
        {"role": "api", "symbol": None, "pid": 1, "memory_mib": 81.25, "cpu_share": 0, "restarts": 0},
        {
            "role": "engine",
            "symbol": SYMBOL,
            "pid": 2,
            "memory_mib": 1064,
            "cpu_share": 0.1234,
            "restarts": 2,
        },
        {"role": "exchange", "symbol": None, "pid": 3, "memory_mib": 5, "cpu_share": None, "restarts": 0},
    ]
    assert await call(scripts, "processLines", processes) == [
        ["api", "81.3 MiB, 0.0 % of a core"],
        [f"engine {SYMBOL}", "1,064.0 MiB, 12.3 % of a core, 2 restarts"],
        ["exchange", "5.0 MiB"],
    ]
    assert await call(scripts, "processLines", []) == []


# --- axes and colours -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "low", "high", "expected"),
    [
        (None, 0, 10, [-1, 12]),
        ([-1, 12], 0, 10, [-1, 12]),
        ([-1, 12], 2, 12, [-1, 12]),
        ([-1, 12], 2, 12.5, [0.95, 14.6]),  # it no longer fits
        ([-1, 12], 4, 8, [3.6, 8.8]),  # it has become far too large
        ([-1, 12], None, None, [-1, 12]),  # there is nothing to show
    ],
)
async def test_a_range_changes_only_where_it_must(
    scripts: Watched, before: list[float] | None, low: float | None, high: float | None, expected: list[float]
) -> None:
    """Values that fit leave an axis as it is, so that it need not be laid out anew."""
    found = await scripts.do(
        """([before, low, high]) => window.liquidity.axisRanges.calmRange(
          before, low ?? Infinity, high ?? -Infinity, 0.1, 0.2)""",
        [before, low, high],
    )
    assert found == pytest.approx(expected)


async def test_a_calm_market_keeps_all_ranges(scripts: Watched) -> None:
    """A second like the one before gives the very same ranges, and a map that was moved keeps its own."""
    kept = await scripts.do(
        """(rows) => {
          const { priceSteps, axisRanges } = window.liquidity;
          const book = priceSteps.cellsOf(rows[0].ladders[0], rows[0].mid_price);
          const state = { rows, cells: new Map([[1, book]]), book, following: true };
          const first = axisRanges.wantedRanges({}, state);
          const again = axisRanges.wantedRanges(first, state);
          const moved = axisRanges.wantedRanges({}, { ...state, following: false });
          return [Object.keys(first), Object.keys(first).filter((axis) => first[axis] !== again[axis]), Object.keys(moved)];
        }""",
        [second(0)],
    )
    assert set(kept[0]) == {"xaxis", "yaxis", "xaxis2", "bars", "yaxis2", "yaxis3", "yaxis5"}
    assert kept[1] == []
    assert set(kept[0]) - set(kept[2]) == {"xaxis", "yaxis"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("#ff8000", [1, 128 / 255, 0, 1]), ("rgba(255, 0, 51, 0.5)", [0.5, 0, 0.1, 0.5])],
)
async def test_colours_are_premultiplied(scripts: Watched, text: str, expected: list[float]) -> None:
    """The layers' colours are what the theme says, as WebGL blends them."""
    assert await call(scripts, "themes.premultiplied", text) == pytest.approx(expected)
