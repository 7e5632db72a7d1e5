"""The page in a real browser, on an API whose frames a test makes: what is not live, and what is odd."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.dashboard.browser import (
    NONE,
    NOT_SHOWN,
    NOTEBOOK,
    Watched,
    open_page,
    shown_numbers,
    until_numbers_are_shown,
)
from tests.dashboard.fake_api import SYMBOLS, FakeApi, ladder, live
from tests.dashboard.heatmap import Listener, compare
from tests.program import Frame

pytestmark = pytest.mark.asyncio(loop_scope="module")

SYMBOL = SYMBOLS[0]
STATE = "document.getElementById('state').textContent"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api() -> AsyncIterator[FakeApi]:
    """Run one fake API for all tests."""
    async with FakeApi() as running:
        past = range(running.second - 170, running.second)
        await running.send(*(running.make(SYMBOL, second) for second in past if second % 20))
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def page(one_page: Watched, api: FakeApi) -> AsyncIterator[Watched]:
    """Return the page while it is live; afterwards its console must have been silent."""
    api.mood = "live"
    await one_page.page.keyboard.press("f")  # a test may have left the view held
    await one_page.live(SYMBOL)
    one_page.complaints.clear()
    yield one_page
    assert one_page.complaints == []


async def assert_cells(page: Watched, api: FakeApi, *, coloured: int = 20) -> None:
    """Hold the map's pixels against the frames that were sent."""
    heard = Listener()
    for frame in list(api.sent[SYMBOL].values()):
        heard.take(frame)
    known = await page.do("[window.liquidity.page.known.oldest, window.liquidity.page.known.end]")
    heard.seconds = {at: row for at, row in heard.seconds.items() if known[0] < at <= known[1]}
    # The fake API may have forgotten what the page still knows, after its clock was set back.
    first = min(at for at, row in heard.seconds.items() if row["book"])
    cells = await compare(page, heard, count=150, since=first + 1000)
    assert cells.wrong == []
    assert cells.coloured >= coloured


async def test_cells_are_those_of_the_frames(page: Watched, api: FakeApi) -> None:
    """Seconds that never came are unknown, and so is what no book says anything of."""
    async with api.paused():
        await page.until("(second) => window.liquidity.page.drawnSecond === second", api.second)
        await assert_cells(page, api)


@pytest.mark.parametrize("status", ["stale", "syncing"])
async def test_what_is_not_live_looks_not_live(page: Watched, api: FakeApi, status: str) -> None:
    """Numbers go out, badge and veil say why, the book beside the map is empty; and all comes back."""
    api.mood = status
    await page.until(f"(text) => {STATE} === text", status.upper())
    await page.until("document.getElementById('veil').checkVisibility()")
    assert await shown_numbers(page) == NOT_SHOWN
    await page.until(
        """(texts) => [document.getElementById("reason").textContent, document.getElementById("veil").textContent,
          document.title].every((text, index) => text.includes(texts[index]))""",
        [f"made {status} by a test", f"made {status} by a test", status.upper()],
    )
    await page.until("window.liquidity.page.map.book === null && window.liquidity.page.depth.book === null")
    assert await page.do("window.liquidity.page.known.seconds.at(-1).changes") is None
    api.mood = "live"
    await page.live()
    assert not await page.page.is_visible("#veil")
    await until_numbers_are_shown(page)


async def test_a_silent_api_is_disconnected_until_it_speaks_again(page: Watched, api: FakeApi) -> None:
    """Without frames the last numbers go out within seconds, and a new connection is tried."""
    before = len(api.paths)
    with page.reconnecting():
        api.mood = "silent"
        await page.until(f"{STATE} === 'DISCONNECTED'")
        assert await shown_numbers(page) == NOT_SHOWN
        assert await page.text("number-latency") == NONE
        assert await page.page.is_visible("#veil")
        await page.until(
            "window.liquidity.page.map.book === null && window.liquidity.page.depth.book === null"
        )
        assert await page.do("window.liquidity.page.map.scene.newest") is None
        await page.until("window.liquidity.page.connection.attempts > 0")
        api.mood = "live"
        await page.live()
    assert len(api.paths) > before
    assert re.search(rf"/ws/{SYMBOL}\?updates=1", api.paths[-1])


async def test_a_page_that_is_refused_says_why_and_what_to_do(page: Watched, api: FakeApi) -> None:
    """In the API's own words, instead of that it connects; and goes on as soon as it is let in."""
    sentence = "the web origin of a test is not allowed here: name it in --allowed-origins"
    with page.reconnecting(), page.refused():
        api.refusal = sentence
        for _, connection in list(api.connections):
            await connection.close()
        await page.until("(text) => document.getElementById('veil').textContent.includes(text)", sentence)
        assert await page.do(STATE) == "DISCONNECTED"
        assert await shown_numbers(page) == NOT_SHOWN
        api.refusal = ""
        await page.live()


@pytest.mark.parametrize("jump", [10_000, -10_000])
async def test_a_clock_that_jumps_leaves_the_page_live(page: Watched, jump: int) -> None:
    """The browser's clock is set by ten seconds: with the next frame, at the latest, all is as before."""
    await page.do(
        "(jump) => { const now = Date.now; window.realNow = now; Date.now = () => now() + jump; }", jump
    )
    await page.frames(2)
    await page.until(f"{STATE} === 'LIVE'")
    await page.do("Date.now = window.realNow")
    await page.frames(2)
    await page.until(f"{STATE} === 'LIVE'")


async def test_frames_that_come_all_at_once_are_all_taken(page: Watched, api: FakeApi) -> None:
    """Of twenty frames in one burst none is lost, and they need far fewer than twenty drawings."""
    before = await page.do("window.liquidity.page.timings.length")
    first = api.second + 1
    api.second += 20
    await api.send(*(api.make(SYMBOL, first + at) for at in range(20)))
    await page.until("(second) => window.liquidity.page.drawnSecond >= second", first + 19)
    held = await page.do("window.liquidity.page.known.seconds.map(({ row }) => row.timestamp / 1000)")
    assert set(range(first, first + 20)) <= set(held)
    assert 1 <= await page.do("window.liquidity.page.timings.length") - before <= 8


async def test_updates_that_do_not_follow_are_asked_for_again(page: Watched, api: FakeApi) -> None:
    """Where an update is missing nothing is known, until the history that is asked for brings it."""
    with page.reconnecting():
        async with api.paused():
            api.second += 1
            frame = live(SYMBOL, api.second * 1000, mid=600_000)
            update = {
                "u": frame["last_update_id"],
                "pu": 5,
                "T": frame["exchange_time"],
                "bids": [],
                "asks": [],
            }
            await api.send({**frame, "updates": [update], "book": None})
            await page.until("(second) => window.liquidity.page.drawnSecond === second", api.second)
            assert await page.do("window.liquidity.page.known.broken")
            assert await page.do("window.liquidity.page.map.book") is None
            api.sent[SYMBOL][api.second] = {**frame, "updates": None, "book": None}
        await page.until("!window.liquidity.page.known.broken && window.liquidity.page.map.book !== null")
        await page.live()


async def test_levels_that_disagree_with_the_frame_are_not_shown(page: Watched, api: FakeApi) -> None:
    """A book that is not the one of the frame's own ten levels is given up."""
    with page.reconnecting():
        async with api.paused():
            api.second += 1
            frame = live(SYMBOL, api.second * 1000, mid=600_000)
            wrong = [[price, size + 1] for price, size in frame["bid_levels"]]
            await api.send({**frame, "updates": [], "book": {
                "u": frame["last_update_id"], "T": frame["exchange_time"], "low": wrong[-1][0],
                "high": frame["ask_levels"][-1][0], "bids": wrong, "asks": frame["ask_levels"],
            }})  # fmt: skip
            await page.until("(second) => window.liquidity.page.drawnSecond === second", api.second)
            assert await page.do("window.liquidity.page.map.book") is None
            api.sent[SYMBOL][api.second] = {**frame, "updates": None, "book": None}
        await page.until("!window.liquidity.page.known.broken && window.liquidity.page.map.book !== null")
        await page.live()


def odd(bids: list[tuple[int, float | None]], asks: list[tuple[int, float | None]], second: int) -> Frame:
    """Return a live frame whose levels, prices in tenths, are these."""
    made = ladder(1, bids, asks)
    middle = (made["bids"][0][0] + made["asks"][0][0]) / 2
    return live(
        SYMBOL, second * 1000, mid=600_000, mid_price=middle, bid_levels=made["bids"], ask_levels=made["asks"]
    )


async def tell(api: FakeApi, detections: list[Any]) -> None:
    """Send detections with the next second, which does not come without them meanwhile."""
    async with api.paused():
        api.second += 1
        await api.send(live(SYMBOL, api.second * 1000, mid=600_000, detections=detections))


@pytest.mark.parametrize("gap", [1, 200, 5_000])
async def test_no_gap_of_a_book_draws_what_is_not_so(page: Watched, api: FakeApi, gap: int) -> None:
    """Ten levels a side, next to each other and 500 USDT apart: each is drawn, and nothing else."""
    first = api.second + 1
    bids: list[tuple[int, float | None]] = [(600_000 - gap * at, 1.0 + at) for at in range(10)]
    asks: list[tuple[int, float | None]] = [(600_001 + gap * at, 2.0 + at) for at in range(10)]
    async with api.paused():
        api.second += 181
        await api.send(*(odd(bids, asks, first + at) for at in range(181)))
        await page.until(
            """(second) => { const { drawnSecond, map: { book } } = window.liquidity.page;
            return drawnSecond >= second && book?.prices.every((prices) => prices.length === 10); }""",
            first + 180,
        )
        await page.page.keyboard.press("f")
        await page.until("window.liquidity.page.nextDrawing === 0 && !window.liquidity.page.map.isBehind")
        await assert_cells(page, api, coloured=0)
        low, high = await page.do("Object.values(window.liquidity.page.map.view.range).slice(2)")
        assert 0 <= low < 60_000 < high


async def test_a_tick_that_changes_is_followed(page: Watched, api: FakeApi) -> None:
    """From 0.1 to 0.01: prices gain a decimal, and nothing breaks."""
    api.others = {"tick_size": 0.01}
    await page.until("window.liquidity.page.known.tick === 1e6")
    await page.frames(2)
    assert re.fullmatch(r"[\d,]+\.\d{3}", await page.text("mid-price"))
    api.others = {}
    await page.until("window.liquidity.page.known.tick === 1e7")


async def test_a_clock_that_was_set_back_is_followed(page: Watched, api: FakeApi) -> None:
    """The page goes on with the earlier time, and shows nothing of the seconds that are to come again."""
    async with api.paused():
        api.second -= 60
        await api.send(api.make(SYMBOL, api.second))
        set_back = api.second
        await page.until("(second) => window.liquidity.page.drawnSecond === second", set_back)
    await page.live()
    times = await page.do("window.liquidity.page.known.seconds.map(({ row }) => row.timestamp)")
    assert times == sorted(times)
    assert max(times) / 1000 < set_back + 40


async def test_another_source_is_not_called_simulated(page: Watched, api: FakeApi) -> None:
    """The badge says where the frames come from."""
    api.source = "binance"
    await page.until("document.getElementById('source').textContent === 'BINANCE'")
    assert "simulated" not in (await page.page.get_attribute("#page", "class") or "")
    api.source = "simulated"
    await page.until("document.getElementById('source').textContent === 'SIMULATED'")


async def test_silent_trades_are_told_while_the_book_is_live(page: Watched) -> None:
    """The header says that trades are missing; the state stays LIVE."""
    assert "no trade" in await page.text("reason")
    assert await page.text("state") == "LIVE"


async def test_few_of_what_comes_often_are_shown(page: Watched, api: FakeApi) -> None:
    """Of ten sweeps in three minutes those that stand out; the slider says how far, and the address keeps it."""
    sweeps = [
        {
            "id": f"s{number}", "kind": "sweep", "event": "fired", "side": "bid", "price": 60_000.0 - number,
            "started_at": (api.second - number) * 1000, "time": (api.second - number) * 1000, "reason": None,
            "magnitude": float(number), "rank": rank, "evidence": {"levels": number},
        }
        for number, rank in enumerate((0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.95, 1.0))
    ]  # fmt: skip
    await tell(api, sweeps)
    await page.until("document.querySelectorAll('#detections-rows li').length === 2")
    await page.until("window.liquidity.page.map.marks.length === 2")
    await page.page.click("[aria-controls='kinds-menu']")
    await page.page.fill("#choose-rank", "0.2")
    await page.until("document.querySelectorAll('#detections-rows li').length === 3")
    await page.until("window.liquidity.page.map.marks.length === 3")
    assert "rank=0.2" in await page.do("window.location.search")
    await page.page.fill("#choose-rank", "0.95")
    await page.page.keyboard.press("Escape")


@pytest.mark.parametrize("size", [(683, 384), (1000, 700), NOTEBOOK, (2560, 1440)])
async def test_the_list_ends_with_a_whole_row_and_a_whole_hint(
    page: Watched, api: FakeApi, size: tuple[int, int]
) -> None:
    """No row and no line of the hint is cut by the panel's edge."""
    sweeps = [
        {
            "id": f"l{number}", "kind": "sweep", "event": "fired", "side": "bid", "price": 60_000.0 - number,
            "started_at": (api.second - number) * 1000, "time": (api.second - number) * 1000, "reason": None,
            "magnitude": float(number), "rank": float(number < 40), "evidence": {"levels": number},
        }
        for number in range(60)
    ]  # fmt: skip
    await tell(api, sweeps)
    await page.page.set_viewport_size({"width": size[0], "height": size[1]})
    try:
        await page.until("document.getElementById('detections-none').textContent.includes('not shown')")
        await page.until("document.querySelectorAll('#detections-rows li').length >= 40")
        below, cut, hint, room = await page.do(
            """() => { const scroller = document.querySelector("#detections-panel .scroll");
            scroller.scrollTop = 0;
            const { bottom } = scroller.getBoundingClientRect();
            const panel = document.getElementById("detections-panel").getBoundingClientRect();
            const ends = [...document.querySelectorAll("#detections-rows li")].map((row) => row.getBoundingClientRect());
            const hint = document.getElementById("detections-none").getBoundingClientRect();
            return [ends.filter((row) => row.bottom <= bottom + 0.5).length,
              ends.filter((row) => row.top < bottom - 0.5 && row.bottom > bottom + 0.5).length,
              hint.bottom, panel.bottom]; }"""
        )
        assert below >= 2
        assert cut == 0
        assert hint <= room
    finally:
        await page.page.set_viewport_size({"width": NOTEBOOK[0], "height": NOTEBOOK[1]})


async def test_detections_are_listed_marked_and_opened(page: Watched, api: FakeApi) -> None:
    """A detection is in the list, as text, and a mark on the map; a press opens its evidence and goes there."""
    entry = {
        "id": "w1", "kind": "wall", "event": "opened", "side": "bid", "price": 59999.0,
        "started_at": api.second * 1000, "time": (api.second + 1) * 1000, "reason": None,
        "magnitude": 5.25, "rank": None, "evidence": {"size": 12.5, "note": "<img src=x onerror=alert(1)>"},
    }  # fmt: skip
    await tell(api, [entry])
    await page.until("document.querySelector('#detections-rows li')?.dataset.id === 'w1'")
    row = await page.text("detections-rows")
    assert all(part in row for part in ("wall", "bid", "59,999", "12.5", "<img"))
    assert not (await page.text("detections-none")).startswith("None")
    await page.until("window.liquidity.page.map.marks.some(({ entry }) => entry.id === 'w1')")
    await page.page.focus("#detections-rows button")
    await page.page.keyboard.press("Enter")
    await page.until("document.querySelectorAll('#detections-rows dl dt').length === 6")
    view = await page.do("window.liquidity.page.map.view.range")
    assert view["from"] < entry["started_at"] < view["to"]
    assert view["low"] < 59_999 < view["high"]


async def test_a_lost_webgl_context_is_drawn_anew(page: Watched, api: FakeApi) -> None:
    """After the browser took the context away and gave it back, all cells are there again."""
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
    await page.frames(1)
    async with api.paused():
        await page.until("(second) => window.liquidity.page.drawnSecond === second", api.second)
        await assert_cells(page, api, coloured=1)


async def test_without_webgl_the_page_says_so_and_shows_the_rest(browser: Browser, port: int) -> None:
    """One sentence stands in place of the map; numbers, list and form go on."""
    async with open_page(browser, port) as bare:
        await bare.context.add_init_script(
            """const get = HTMLCanvasElement.prototype.getContext;
            HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
              return String(kind).includes("webgl") ? null : get.call(this, kind, ...rest); };"""
        )
        await bare.page.reload()
        await bare.live(SYMBOL)
        assert "WebGL" in await bare.text("map-missing")
        assert await bare.page.is_visible("#map-missing")
        await until_numbers_are_shown(bare)
        await bare.page.fill("#impact-size", "1")
        await bare.until("document.querySelectorAll('#impact-figures dd').length === 4")


async def test_a_page_that_never_heard_anything_says_so(browser: Browser, api: FakeApi, port: int) -> None:
    """It is disconnected, its list says why, and no axis shows 1970."""
    api.mood = "silent"
    api.refusing = True
    try:
        async with open_page(browser, port) as bare:
            with bare.reconnecting():
                await bare.until(f"{STATE} === 'DISCONNECTED'")
                assert await bare.text("detections-none") == "Not connected: nothing is known."
                assert await shown_numbers(bare) == NOT_SHOWN
                drawn = await bare.do(
                    """() => { const c = document.getElementById("map-axes");
                    return c.width ? c.getContext("2d").getImageData(0, 0, c.width, c.height).data.some((v) => v) : false; }"""
                )
                assert not drawn
    finally:
        api.mood, api.refusing = "live", False


CONTROLS = """() => Array.from(document.querySelectorAll("#toolbar > *, #legend-box > *, #health, #theme, #keys"), (element) => {
  const { left, top, width } = element.getBoundingClientRect();
  return [element.id || element.textContent, ...[left, top, width].map(Math.round)];
})"""
"""Where each control stands whose own words never change."""


async def test_no_control_moves_when_texts_change(page: Watched, api: FakeApi) -> None:
    """Not by what the colours reach over, by a view that is held, nor by what is not live."""
    stood = [where[1:] for where in await page.do(CONTROLS)]
    assert len(stood) > 10

    async def moved() -> list[object]:
        now = await page.do(CONTROLS)
        return [
            (name, before, where)
            for (name, *where), before in zip(now, stood, strict=True)
            if where != before
        ]

    for ticks in ("1", "1000", "auto"):
        await page.page.select_option("#choose-ticks", ticks)
        await page.frames(1)
        assert await moved() == []
    await page.page.click("#follow")
    await page.until(f"{STATE}.startsWith('HELD')")
    assert await moved() == []
    await page.page.click("#follow")
    await page.until(f"{STATE} === 'LIVE'")
    api.mood = "stale"
    await page.until(f"{STATE} === 'STALE'")
    assert await moved() == []
    api.mood = "live"
    await page.live()
    await page.do("document.getElementById('legend-range').textContent = '0.000123 to 123,456 SHIB a cell'")
    assert await moved() == []
