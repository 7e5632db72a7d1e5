"""The page in a real browser, on an API whose frames a test makes: what is not live, and what is odd."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.dashboard.browser import NONE, NOT_SHOWN, Watched, chromium, open_page, shown_numbers
from tests.dashboard.fake_api import (
    SYMBOLS,
    TICKS,
    FakeApi,
    a_ladder,
    ladder,
    live,
    served_page,
)
from tests.dashboard.heatmap import Heatmap, read_heatmap
from tests.dashboard.shapes import Place, drawn_at, theme_colour
from tests.program import Frame

pytestmark = pytest.mark.asyncio(loop_scope="module")

SYMBOL = SYMBOLS[0]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Run one browser for all tests."""
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api() -> AsyncIterator[FakeApi]:
    """Run one fake API for all tests."""
    async with FakeApi() as running:
        past = range(running.second - 170, running.second)
        await running.send(*(running.make(SYMBOL, second) for second in past if second % 20))
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one_page(browser: Browser, api: FakeApi) -> AsyncIterator[Watched]:
    """Open the page once."""
    async with served_page(api.port) as port, open_page(browser, port) as watched:
        await watched.live()
        yield watched


@pytest_asyncio.fixture(loop_scope="module")
async def page(one_page: Watched, api: FakeApi) -> AsyncIterator[Watched]:
    """Return the page while it is live; afterwards its console must have been silent."""
    api.mood = "live"
    await one_page.live(SYMBOL)
    one_page.complaints.clear()
    yield one_page
    assert one_page.complaints == []


async def compared(page: Watched, api: FakeApi) -> Heatmap:
    """Return the heatmap, each pixel of which has been held against the frames that were sent."""
    heatmap = await read_heatmap(page)
    heatmap.compare(api.sent[SYMBOL])
    assert heatmap.wrong == []
    return heatmap


async def drawn_shapes(page: Watched) -> dict[str, int]:
    """Return how many lines, bars and bubbles the map draws of each kind."""
    found: dict[str, int] = await page.do(
        "Object.fromEntries(Array.from(window.liquidity.page.map.shapes.shapes, ([name, { count }]) => [name, count]))"
    )
    return found


NEWEST_COLUMN = """() => {
  const { map } = window.liquidity.page;
  map.canvas.clear();
  map.layer.draw(map.panels().map);
  const { gl, element: canvas } = map.canvas;
  const { xaxis, yaxis } = map.gd._fullLayout;
  const { from, to } = map.view();
  const ratio = canvas.width / canvas.clientWidth;
  const x = Math.floor((xaxis._offset + (map.end - 0.5 - from) / (to - from) * xaxis._length) * ratio);
  const [top, height] = [Math.ceil(yaxis._offset * ratio), Math.floor(yaxis._length * ratio)];
  const found = new Uint8Array(4 * height);
  gl.readPixels(x, canvas.height - top - height, 1, height, gl.RGBA, gl.UNSIGNED_BYTE, found);
  return Array.from({ length: height }, (_, row) => Array.from(found.slice(4 * row, 4 * row + 4)));
}"""
"""The colours in the newest second's column of the heatmap, from below."""


async def newest_column(page: Watched) -> set[tuple[int, ...]]:
    """Return the different colours in the newest second's column of the heatmap."""
    return {tuple(colour) for colour in await page.do(NEWEST_COLUMN)}


async def test_the_newest_second_is_drawn(page: Watched) -> None:
    """A live second has a column of many colours, and the book stands beside it."""
    # A busy machine may leave the page without a frame for so long that it draws a blank second first.
    await page.until(f"() => new Set(({NEWEST_COLUMN})().map(String)).size > 5")
    drawn = await drawn_shapes(page)
    assert drawn["bids"] > 0
    assert drawn["cumulative asks"] > 0


async def assert_shapes_drawn(page: Watched, frame: Frame) -> None:
    """Hold pixels of every line, bar and bubble against the frame that closes the newest second."""
    end = frame["timestamp"] / 1000
    at = end - 0.5
    step = await page.do("window.liquidity.page.stepIndex")
    shown = frame["ladders"][step]
    height = shown["step"]
    # At a coarse step the first groups of both sides lie in the same range of prices, so the second ones count.
    (_, best_bid_size), (bid, bid_size) = shown["bids"][:2]
    (_, best_ask_size), (ask, ask_size) = shown["asks"][:2]
    lines: list[tuple[Place, str]] = [
        (("map", at, frame["bid_levels"][0][0]), "bid"),
        (("map", at, frame["ask_levels"][0][0]), "ask"),
        (("mid", at, frame["mid_price"]), "line"),
        (("spread", at, frame["spread"]), "line"),
        (("imbalance", at, frame["imbalance"]), "line"),
        (("ofi", at, frame["ofi"]), "line"),
        (("bars", 0.5 * bid_size, bid + 0.7 * height), "bidFill"),
        (("bars", 0.5 * ask_size, ask - 0.7 * height), "askFill"),
        (("depth", best_bid_size + bid_size, bid + 0.3 * height), "bid"),
        (("depth", best_ask_size + ask_size, ask - 0.3 * height), "ask"),
    ]
    for price, _, _, time in frame["trades"]["largest"]:
        lines.append((("map", time / 1000, price), "bought"))
    found = await drawn_at(page, [place for place, _ in lines])
    for drawn, (place, name) in zip(found, lines, strict=True):
        assert drawn.shows(await theme_colour(page, name)), f"{name} at {place}: {drawn}"


async def test_lines_bars_and_bubbles_stand_where_the_frame_says(page: Watched, api: FakeApi) -> None:
    """Pixels at the touch, the strips, the book and a trade have their colours, in both themes."""
    await page.page.click("#step-x1")
    await page.until("window.liquidity.page.stepIndex === 0")
    for _ in range(2):
        theme = await page.do("document.documentElement.dataset.theme")
        async with api.paused():
            api.second += 1
            frame = api.make(SYMBOL, api.second)
            frame["trades"]["largest"] = [
                [frame["ladders"][0]["asks"][6][0], 5.0, "buy", frame["timestamp"] - 400]
            ]
            await api.send(frame)
            await page.until("(second) => window.liquidity.page.drawnSecond === second", api.second)
            await assert_shapes_drawn(page, frame)
        await page.page.click("#theme")
        await page.until("(theme) => document.documentElement.dataset.theme !== theme", theme)
    await page.page.click("#step-auto")


async def test_axes_that_something_else_has_changed_are_put_right(page: Watched) -> None:
    """A figure that was given other ranges has its own again with the next second, and is then left alone."""
    shown = """() => {
      const { map } = window.liquidity.page;
      return Object.keys(map.ranges).filter((axis) => axis !== "bars")
        .map((axis) => [axis, map.ranges[axis], map.gd._fullLayout[axis].range]);
    }"""
    await page.do(
        """() => window.Plotly.update(window.liquidity.page.map.gd, {}, {
          "xaxis2.range": [0, 1], "yaxis3.range": [-1, 1], "yaxis5.range": [-1, 1],
        })"""
    )
    await page.frames(1)
    ranges = await page.do(shown)
    assert {axis for axis, _, _ in ranges} == {"xaxis", "yaxis", "xaxis2", "yaxis2", "yaxis3", "yaxis5"}
    assert [axis for axis, wanted, now in ranges if wanted != now] == []


async def test_nothing_is_drawn_outside_its_panel(page: Watched) -> None:
    """A map zoomed into one second's prices leaves the room between the panels empty."""
    await page.do(
        """() => {
          const { map, store } = window.liquidity.page;
          const { mid_price: mid } = store.window().findLast((row) => row?.mid_price);
          return window.Plotly.relayout(map.gd, { "yaxis.range": [mid - 0.2, mid + 0.2], "xaxis.range": [-5, -1] });
        }"""
    )
    panels = await page.do("window.liquidity.page.map.panels()")
    outside: list[Place] = []
    for name, panel in panels.items():
        across, up = panel["to"] - panel["from"], panel["high"] - panel["low"]
        beside = 5 / panel["width"] * across, 5 / panel["height"] * up
        for share in (0.1, 0.5, 0.9):
            outside.append((name, panel["from"] - beside[0], panel["low"] + share * up))
            outside.append((name, panel["from"] + share * across, panel["low"] - beside[1]))
    assert all(drawn.empty() for drawn in await drawn_at(page, outside))
    await page.page.click("#follow")


@pytest.mark.parametrize("status", ["stale", "syncing"])
async def test_what_is_not_live_looks_not_live(page: Watched, api: FakeApi, status: str) -> None:
    """Numbers go out, badge and veil say why, book and newest column are empty; and all comes back."""
    api.mood = status
    await page.until("(text) => document.getElementById('state').textContent === text", status.upper())
    await page.until("document.getElementById('veil').checkVisibility()")
    assert await shown_numbers(page) == NOT_SHOWN
    reason = f"made {status} by a test"
    assert reason in await page.text("reason")
    assert reason in await page.text("veil")
    assert status.upper() in await page.text("veil")
    assert status.upper() in await page.page.title()
    drawn = await drawn_shapes(page)
    assert drawn["bids"] == drawn["asks"] == drawn["cumulative bids"] == drawn["cumulative asks"] == 0
    assert await newest_column(page) == {(0, 0, 0, 0)}
    assert drawn["mid"] > 0  # the past stays
    await page.until(  # it rests for a while after each click
        """window.liquidity.page.surface.gd._fullData[0].z.slice(1, -1).every((row) => row.at(-1) === null)"""
    )
    api.mood = "live"
    await page.live()
    assert not await page.page.is_visible("#veil")
    assert NONE not in (await shown_numbers(page)).values()
    assert (await compared(page, api)).coloured > 50


async def test_a_silent_api_is_disconnected_until_it_speaks_again(page: Watched, api: FakeApi) -> None:
    """Without frames the last numbers go out within seconds, and a new connection is tried."""
    before = len(api.paths)
    with page.reconnecting():
        api.mood = "silent"
        await page.until("document.getElementById('state').textContent === 'DISCONNECTED'")
        assert await shown_numbers(page) == NOT_SHOWN
        assert await page.text("number-latency") == NONE
        assert await page.page.is_visible("#veil")
        await page.until("window.liquidity.page.map.shapes.shapes.get('bids').count === 0")
        await page.until("window.liquidity.page.connection.attempts > 0")
        api.mood = "live"
        await page.live()
    assert len(api.paths) > before
    assert re.search(rf"/ws/{SYMBOL}\?", api.paths[-1])


async def test_frames_that_come_all_at_once_are_all_taken(page: Watched, api: FakeApi) -> None:
    """Of twenty frames in one burst none is lost, and they need far fewer than twenty drawings."""
    await page.do(
        "window.before = [window.liquidity.page.timings.length, window.liquidity.page.store.missed]"
    )
    first = api.second + 1
    api.second += 20
    await api.send(*(api.make(SYMBOL, first + at) for at in range(20)))
    await page.until("(second) => window.liquidity.page.drawnSecond >= second", first + 19)
    held = await page.do("Array.from(window.liquidity.page.store.rows.keys())")
    assert set(range(first, first + 20)) <= set(held)
    draws, missed = await page.do(
        """[window.liquidity.page.timings.length - window.before[0],
            window.liquidity.page.store.missed - window.before[1]]"""
    )
    assert missed == 0
    assert 1 <= draws <= 8
    await page.live()
    assert (await compared(page, api)).coloured > 100


async def test_a_missing_second_is_blank(page: Watched, api: FakeApi) -> None:
    """Where no frame came the heatmap is empty and the lines have a gap; nothing is stretched over it."""
    await page.do("window.before = window.liquidity.page.store.missed")
    api.second += 4
    gap = api.second
    await page.until("(second) => window.liquidity.page.drawnSecond > second", gap)
    assert await page.do("window.liquidity.page.store.missed - window.before") >= 3
    assert await page.do("(second) => window.liquidity.page.map.cells.get(second) === undefined", gap - 1)
    heatmap = await compared(page, api)
    assert heatmap.blank > 50


async def test_an_empty_spread_and_unknown_groups(page: Watched, api: FakeApi) -> None:
    """Empty prices between the touch are known and drawn so; what lies past an unknown group is blank."""

    def wide(second: int) -> Frame:
        mid = 600_000
        odd = ladder(
            1, [(mid - at, 1.0 + at) for at in range(10)], [(mid + 6 + at, 2.0 + at) for at in range(10)]
        )
        coarse: list[tuple[int, float | None]] = [
            (mid - 10 * at, 3.0 if at < 5 else None) for at in range(10)
        ]
        ten = ladder(10, coarse, [(mid + 10 + 10 * at, 4.0) for at in range(10)])
        others = [a_ladder(ticks, mid, second) for ticks in TICKS[2:]]
        middle = (odd["bids"][0][0] + odd["asks"][0][0]) / 2
        return live(
            SYMBOL, second * 1000, mid=mid, ladders=[odd, ten, *others], mid_price=middle,
            bid_levels=odd["bids"], ask_levels=odd["asks"],
        )  # fmt: skip

    first = api.second + 1
    api.second += 180
    await api.send(*(wide(first + at) for at in range(180)))
    await page.until("(second) => window.liquidity.page.drawnSecond >= second", first + 179)
    for index, step in enumerate(("x1", "x10")):
        await page.page.click(f"#step-{step}")
        await page.until("(index) => window.liquidity.page.stepIndex === index", index)
        heatmap = await compared(page, api)
        assert heatmap.coloured > 200
    await page.page.click("#step-auto")


async def test_a_clock_that_was_set_back_is_followed(page: Watched, api: FakeApi) -> None:
    """The page goes on with the earlier time, and shows nothing of the seconds that are to come again."""
    await page.page.click("#step-x50")
    async with api.paused():
        last = api.make(SYMBOL, api.second + 1)  # it pushes the oldest second out, and is never drawn itself
        api.second -= 60
        await api.send(last, api.make(SYMBOL, api.second))
        set_back = api.second
    await page.until("(second) => Math.abs(window.liquidity.page.store.newest - second) < 30", set_back)
    await page.live()
    assert await page.do(
        "Math.max(...window.liquidity.page.map.cells.keys()) <= window.liquidity.page.store.newest"
    )
    api.second += 3  # these seconds were known before the clock was set back
    await page.until("(second) => window.liquidity.page.drawnSecond > second", api.second)
    heatmap = await compared(page, api)
    assert heatmap.blank > 50
    await page.page.click("#step-auto")


async def test_times_along_the_axis_are_local(page: Watched) -> None:
    """Each label stands where its local time is on the axis, in a time zone off the full hours."""
    labels = await page.do(
        """() => {
          const { map } = window.liquidity.page;
          map.align();
          const { xaxis } = map.gd._fullLayout;
          const { from, to } = map.view();
          const box = document.getElementById("time-axis").getBoundingClientRect();
          const plot = map.gd.getBoundingClientRect().left + xaxis._offset;
          return Array.from(document.querySelectorAll("#time-axis span:not([hidden])"), (label) => {
            const place = label.getBoundingClientRect();
            const at = from + ((place.left + place.right) / 2 - plot) / xaxis._length * (to - from);
            return [label.textContent, new Date(at * 1000).toISOString(), at, box.width];
          });
        }"""
    )
    assert len(labels) >= 3
    for text, _, at, _ in labels:
        local = round(at + 19_800) % 86_400
        hours, minutes, seconds = (int(part) for part in text.split(":"))
        assert abs(local - (3600 * hours + 60 * minutes + seconds)) <= 1


async def test_another_source_is_not_called_simulated(page: Watched, api: FakeApi) -> None:
    """The badge says where the frames come from."""
    api.source = "binance"
    await page.until("document.getElementById('source').textContent === 'BINANCE'")
    assert "simulated" not in (await page.page.get_attribute("#page", "class") or "")
    api.source = "simulated"
    await page.until("document.getElementById('source').textContent === 'SIMULATED'")
    assert "simulated" in (await page.page.get_attribute("#page", "class") or "")


async def test_silent_trades_are_told_while_the_book_is_live(page: Watched) -> None:
    """The header says that trades are missing; the state stays LIVE."""
    assert "no trade" in await page.text("reason")
    assert await page.text("state") == "LIVE"


async def test_detections_are_listed_and_marked(page: Watched, api: FakeApi) -> None:
    """A detection appears in the list with its evidence, as text, and as a mark in the map."""
    entry = {
        "id": "w1", "kind": "wall", "event": "opened", "side": "bid", "price": 59999.0,
        "started_at": (api.second - 5) * 1000, "time": (api.second + 1) * 1000, "reason": None,
        "evidence": {"size": 12.5, "note": "<img src=x onerror=alert(1)>"},
    }  # fmt: skip
    api.second += 1
    await api.send(live(SYMBOL, api.second * 1000, mid=600_000, detections=[entry]))
    await page.until("document.querySelectorAll('#detections-rows tr').length === 1")
    row = await page.text("detections-rows")
    assert all(part in row for part in ("wall", "bid", "59,999", "12.5", "<img"))
    drawn = await drawn_shapes(page)
    assert (drawn["detections"], drawn["detection lines"]) == (1, 1)
    assert not await page.page.is_visible("#detections-none")


async def test_a_lost_webgl_context_is_drawn_anew(page: Watched, api: FakeApi) -> None:
    """After the browser took the layer's context away and gave it back, all cells are there again."""
    await page.do(
        """() => {
          const { element } = window.liquidity.page.map.canvas;
          window.losing = element.getContext("webgl2").getExtension("WEBGL_lose_context");
          window.losing.loseContext();
        }"""
    )
    await page.until("window.liquidity.page.map.canvas.gl === null")
    await page.frames(1)  # drawing goes on without it
    await page.do("window.losing.restoreContext()")
    await page.until("window.liquidity.page.map.canvas.gl !== null")
    assert (await compared(page, api)).coloured > 100
    async with api.paused():
        await page.until("(second) => window.liquidity.page.drawnSecond === second", api.second)
        await assert_shapes_drawn(page, api.sent[SYMBOL][api.second])
