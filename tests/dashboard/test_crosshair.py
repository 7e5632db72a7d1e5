"""What the page says of the place under the pointer: on the map, its strips, the book beside it and the depth curve."""

import datetime
import re
from collections.abc import AsyncIterator
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from tests.dashboard.browser import TIMEZONE, Watched, chromium, open_page
from tests.dashboard.fake_api import SYMBOLS, FakeApi, ladder, live, served_page
from tests.program import Frame

pytestmark = pytest.mark.asyncio(loop_scope="module")

SYMBOL = SYMBOLS[0]
SECONDS = 181
PLACED = 100
"""The second from the first in which the fifth bid is placed, and there are trades."""
PLACE_OF = """([time, price, part, strip]) => {
  const { left, top } = document.getElementById("map").getBoundingClientRect();
  const { layout, view: { range } } = window.liquidity.page.map;
  const { map, book, strips } = layout;
  const x = part === "book" ? book.left + book.width / 2 : map.left + (time - range.from) / (range.to - range.from) * map.width;
  const y = part === "strip" ? strips[strip].top + strips[strip].height / 2
    : map.top + (range.high - price) / (range.high - range.low) * map.height;
  return [left + x, top + y];
}"""
RULED = """(name) => {
  const { pointer: { at: pointer }, map: { layout } } = window.liquidity.page;
  const box = layout[name] instanceof Object ? layout[name] : layout.strips[name];
  const context = document.getElementById("map-cross").getContext("2d");
  const { data } = name === "book" ? context.getImageData(box.left, Math.round(pointer.y), box.width, 1)
    : context.getImageData(Math.round(pointer.x), box.top, 1, box.height);
  return data.filter((value, index) => index % 4 === 3 && value > 0).length / (data.length / 4);
}"""
"""How much of the crosshair's rule is drawn through a box; it is dashed."""


def frame_of(at: int, second: int) -> Frame:
    """Return the frame of a second, in which the fifth bid has been placed or not yet."""
    bids = [(600_000 - rank, 1.0 + rank) for rank in range(10) if rank != 4 or at >= PLACED]
    made = ladder(1, [*bids, (599_990, 11.0)][:10], [(600_001 + rank, 2.0 + rank) for rank in range(10)])
    end = second * 1000
    tape = [
        [end - 400, 60_000.0, 2.0, 2.0, "sell", 2 * at],
        [end - 390, 60_000.0, 3.0, 3.0, "buy", 2 * at + 1],
    ]
    return live(
        SYMBOL, end, mid=600_000, mid_price=60_000.05, spread=0.1, bid_levels=made["bids"], ask_levels=made["asks"],
        tape=tape if at == PLACED else [],
    )  # fmt: skip


Shown = tuple[Watched, FakeApi, int]
"""A page that has a whole window of a book that is known by heart, its API, and the end of the first second (ms)."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one_page() -> AsyncIterator[tuple[Watched, FakeApi]]:
    """Open the page once."""
    async with (
        FakeApi() as api,
        served_page(api.port) as port,
        chromium() as browser,
        open_page(browser, port) as page,
    ):
        await page.live(SYMBOL)
        yield page, api


@pytest_asyncio.fixture(loop_scope="module")
async def following(one_page: tuple[Watched, FakeApi]) -> AsyncIterator[Shown]:
    """Return it with a new window, while it shows what is now."""
    page, api = one_page
    await page.page.mouse.move(2, 2)
    async with api.paused():
        first = api.second + 1
        api.second += SECONDS
        frames = [frame_of(at, first + at) for at in range(SECONDS)]
        await api.send(*frames)
        same = ("mid_price", "spread", "bid_levels", "ask_levels", "tape")
        api.others = {name: frames[-1][name] for name in same}
        await page.until("(second) => window.liquidity.page.drawnSecond >= second", api.second)
    await page.page.keyboard.press("f")
    await page.live(SYMBOL)
    yield page, api, first * 1000
    assert page.complaints == []


@pytest_asyncio.fixture(loop_scope="module")
async def held(following: Shown) -> Shown:
    """Return it with a view that stays."""
    page = following[0]
    await page.page.keyboard.press(" ")
    await page.until("!window.liquidity.page.map.view.following && window.liquidity.page.nextDrawing === 0")
    return following


async def said(page: Watched, lines: str) -> tuple[list[str], float]:
    """Return these lines as they are drawn, and the end of the newest second (ms)."""
    found: tuple[list[str], float] = await page.do(
        f"""async () => {{
          do await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
          while (window.liquidity.page.nextDrawing);
          return [{lines}, window.liquidity.page.known.end];
        }}"""
    )
    return found


async def lines_at(
    page: Watched, time: float = 0, price: float = 0, part: str = "map", strip: int = 0
) -> tuple[list[str], float]:
    """Move the pointer there and return what is said of it, and the end of the newest second (ms)."""
    await page.page.mouse.move(2, 2)
    await page.until("document.getElementById('map-tooltip').hidden")
    x, y = await page.do(PLACE_OF, [time, price, part, strip])
    await page.page.mouse.move(x, y)
    await page.until("!document.getElementById('map-tooltip').hidden")
    return await said(
        page, "Array.from(document.querySelectorAll('#map-tooltip div'), (line) => line.textContent)"
    )


def clocks(ms: float) -> tuple[str, str]:
    """Return an instant's second as the page says it, local and UTC."""
    instant = datetime.datetime.fromtimestamp(ms / 1000, ZoneInfo(TIMEZONE))
    return f"{instant:%H:%M:%S}", f"{instant.astimezone(datetime.UTC):%H:%M:%S}"


def rest_text(seconds: float) -> str:
    """Return so many seconds, ten at least, as the page says them."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{round(seconds) // 60} min {round(seconds) % 60} s"


async def test_the_map_tells_time_price_size_depth_and_rest(held: Shown) -> None:
    """Of the level as it was then; before it was placed there was nothing."""
    page, _, first = held
    placed = first + 1000 * PLACED - 50
    lines, _ = await lines_at(page, placed + 30_300, 59_999.6)
    at = await page.do("window.liquidity.page.map.placeAt(window.liquidity.page.pointer.at.x, 0).time")
    local, utc = clocks(at)
    assert re.fullmatch(rf"{local}\.\d · {utc}\.\d UTC", lines[0])
    assert lines[1:4] == ["59,999.6 USDT", "bid 5 BTC", "15 BTC from the touch to here"]
    assert lines[4] == f"has rested for {(at - placed) / 1000:.0f} s"
    for box in ("map", 0, 1, 2, 3, "book"):
        assert await page.do(RULED, box) > 0.3
    before, _ = await lines_at(page, placed - 30_300, 59_999.6)
    assert before[1:] == ["59,999.6 USDT", "empty"]
    older, _ = await lines_at(page, placed - 5000, 60_000.3)
    assert older[2:4] == ["ask 4 BTC", "9 BTC from the touch to here"]
    assert older[4].startswith("has rested for ")


async def test_each_trade_under_the_pointer_is_told(held: Shown) -> None:
    """With side, size, price and time, and all together."""
    page, _, first = held
    end = first + 1000 * PLACED
    lines, _ = await lines_at(page, end - 395, 60_000.0)
    told = lines[lines.index("2 trades near by: bought 3, sold 2 BTC") + 1 :]
    assert told == [
        f"sold 2 BTC at 60,000.0, {clocks(end - 400)[0]}.{(end - 400) % 1000:03}",
        f"bought 3 BTC at 60,000.0, {clocks(end - 390)[0]}.{(end - 390) % 1000:03}",
    ]


async def test_the_book_beside_the_map_tells_what_its_bars_are(following: Shown) -> None:
    """Of now: price, side, size, depth, rest and what was traded there; and it goes on saying it."""
    page, _, first = following
    lines, now = await lines_at(page, price=59_999.6, part="book")
    for _ in range(2):
        local, utc = clocks(now)
        rest = (now - (first + 1000 * PLACED - 50)) / 1000
        assert lines == [
            f"{local}.0 · {utc}.0 UTC", "59,999.6 USDT", "bid 5 BTC", "15 BTC from the touch to here",
            f"has rested for {rest_text(rest)}",
        ]  # fmt: skip
        assert await page.do(RULED, "book") > 0.3
        assert not await page.do("window.liquidity.page.map.bookIsPast")
        await page.frames(2)
        lines, now = await said(
            page, "Array.from(document.querySelectorAll('#map-tooltip div'), (line) => line.textContent)"
        )
    assert "ask 3 BTC" in (await lines_at(page, price=60_000.2, part="book"))[0]
    assert "traded here: bought 3, sold 2 BTC" in (await lines_at(page, price=60_000.0, part="book"))[0]


@pytest.mark.parametrize("strip", range(4))
async def test_each_strip_tells_the_numbers_of_its_second(held: Shown, strip: int) -> None:
    """And the book is that of the instant."""
    page, _, first = held
    lines, _ = await lines_at(page, first + 1000 * PLACED + 20_000, part="strip", strip=strip)
    assert lines[1] == "mid 60,000.05 USDT, spread 0.1"
    assert re.fullmatch(r"imbalance \S+, at the touch \S+", lines[2])
    assert lines[3] == "OFI +0.500, of ten-level volumes +0.250 BTC"
    assert re.fullmatch(r"volume delta \S+ BTC", lines[4])
    assert lines[5] == "bought 1, sold 2 BTC"
    assert await page.do("window.liquidity.page.map.bookIsPast")
    for box in ("map", 0, 1, 2, 3):
        assert await page.do(RULED, box) > 0.3


async def test_the_depth_curve_tells_the_level_under_the_pointer(following: Shown) -> None:
    """Time, side, price, its own size, depth and rest; nothing once the pointer has left."""
    page, _, first = following
    await page.page.click("#depth-ranges [data-range='ten levels']")
    await page.frames(1)
    x, y = await page.do(
        """() => { const texts = document.getElementById("depth-texts");
        const { left, top, width } = texts.getBoundingClientRect();
        const { curve } = window.liquidity.page.depth;
        const wide = width - Math.round(parseFloat(getComputedStyle(texts).fontSize) * 4);
        return [left + (59_999.57 - curve.low) / (curve.high - curve.low) * wide, top + 60]; }"""
    )
    await page.page.mouse.move(x, y)
    await page.until("window.liquidity.page.depth.lines.length > 0")
    lines, now = await said(page, "window.liquidity.page.depth.lines")
    local, utc = clocks(now)
    rest = (now - (first + 1000 * PLACED - 50)) / 1000
    assert lines[:4] == [
        f"{local}.0 · {utc}.0 UTC", "bid 59,999.6  ·  5 BTC", "15 BTC from the touch to here",
        f"has rested for {rest_text(rest)}",
    ]  # fmt: skip
    await page.page.mouse.move(2, 2)
    await page.until("window.liquidity.page.depth.lines.length === 0")


@pytest.mark.parametrize("before_end", [2_350, 2_650])
async def test_one_instant_has_one_time_all_over_the_page(held: Shown, before_end: int) -> None:
    """Tooltip, book, header and depth curve say the pointer's time, though the book's last update was before it."""
    page = held[0]
    end = await page.do("window.liquidity.page.known.end")
    lines, _ = await lines_at(page, end - before_end, 60_000)
    await page.until("window.liquidity.page.depth.book === window.liquidity.page.map.book")
    assert await page.do("window.liquidity.page.pointer.pastAt - window.liquidity.page.map.book.time") > 0
    local = lines[0].partition(" ")[0]
    assert await page.do("window.liquidity.page.map.bookTitle") == f"at {local}"
    assert await page.text("numbers-at") == f"at {local}"
    assert await page.do("window.liquidity.page.depth.drawn.at(-1)") == lines[0]
