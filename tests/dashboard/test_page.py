"""The page in a real browser, on the real program and the simulated exchange."""

import asyncio
import contextlib
import re
import struct
from collections.abc import AsyncIterator

import psutil
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.dashboard.browser import (
    NOT_SHOWN,
    NOTEBOOK,
    SURFACE_DRAWN,
    Watched,
    chromium_path,
    open_page,
    shown_numbers,
)
from tests.dashboard.fake_api import SYMBOLS
from tests.dashboard.heatmap import Listener, compare
from tests.program import PATIENCE, Program

pytestmark = pytest.mark.asyncio(loop_scope="module")

MOST_CONTEXTS = 4
SMALL = (1000, 620)  # what software draws in time, with four times the pixels
VIEW = "() => { const { range } = window.liquidity.page.map.view; return { ...range }; }"
AROUND_THE_WHEEL = """() => {
  window.wheeled = [];
  const note = () => { window.wheeled.push({ ...window.liquidity.page.map.view.range }); };
  document.addEventListener("wheel", note, { once: true, capture: true });
  document.addEventListener("wheel", note, { once: true });
}"""
"""Notes what the map shows just before and just after it hears of the next step of the wheel."""
SETTLED = "window.liquidity.page.nextDrawing === 0 && !window.liquidity.page.map.isBehind"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def program() -> AsyncIterator[Program]:
    """Run one program for all tests; its books may be quiet for as long as a busy machine is."""
    chromium_path()
    async with Program(source="simulated", page=True, stale_after=20, depth_silence=30) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one_page(program: Program, browser: Browser) -> AsyncIterator[Watched]:
    """Keep one page open: what is left behind by one test must not disturb the next."""
    async with open_page(browser, program.dashboard_port) as watched:
        await watched.live()
        yield watched


@pytest_asyncio.fixture(loop_scope="module")
async def page(one_page: Watched) -> AsyncIterator[Watched]:
    """Return the page as it is after loading; afterwards its console must have been silent."""
    await one_page.page.keyboard.press("Escape")
    await one_page.page.click(f"#symbol-{SYMBOLS[0]}")
    await one_page.page.mouse.move(2, 2)
    await one_page.do("document.activeElement.blur()")
    await one_page.page.keyboard.press("f")
    await one_page.live(SYMBOLS[0])
    await one_page.frames(1)
    one_page.complaints.clear()
    yield one_page
    assert one_page.complaints == []


@contextlib.asynccontextmanager
async def listener(program: Program, symbol: str) -> AsyncIterator[Listener]:
    """Hear what the page hears."""
    one = Listener()
    task = asyncio.create_task(one.listen(program, symbol))
    try:
        yield one
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def centre(page: Watched) -> tuple[float, float]:
    """Return the middle of the map, in CSS pixels of the window."""
    box = await page.do(
        """() => { const { left, top } = document.getElementById("map").getBoundingClientRect();
        const { map } = window.liquidity.page.map.layout;
        return [left + map.left + map.width / 2, top + map.top + map.height / 2]; }"""
    )
    return box[0], box[1]


async def test_each_cell_has_the_colour_of_the_books_own_size(page: Watched, program: Program) -> None:
    """Pixels of both symbols, at several zooms and row heights, against the messages; nothing unknown is shown."""
    for symbol in SYMBOLS:
        await page.page.click(f"#symbol-{symbol}")
        async with listener(program, symbol) as heard:
            await page.live(symbol)
            x, y = await centre(page)
            await page.do("window.liquidity.page.map.view.span = 5000")  # the window has only begun
            coloured = 0
            for seed, (wheel, ticks) in enumerate([(0, "auto"), (-500, "auto"), (-900, "auto"), (400, "20")]):
                await page.page.select_option("#choose-ticks", ticks)
                await page.page.mouse.move(x, y)
                if wheel:
                    await page.page.mouse.wheel(0, wheel)
                await page.page.mouse.move(2, 2)
                await page.frames(1)
                await page.until(SETTLED)
                cells = await compare(page, heard, count=50, seed=seed)
                assert cells.wrong == []
                assert cells.compared > 30
                coloured += cells.coloured
            assert coloured > 20
        await page.page.select_option("#choose-ticks", "auto")


async def test_cells_are_as_sharp_as_the_screen(browser: Browser, program: Program) -> None:
    """With two device pixels a CSS pixel every canvas has twice the pixels, and each has its cell's own colour."""
    async with (
        open_page(browser, program.dashboard_port, size=SMALL, ratio=2) as sharp,
        listener(program, SYMBOLS[0]) as heard,
    ):
        await sharp.live(SYMBOLS[0])
        await sharp.do("window.liquidity.page.map.view.span = 5000")
        await sharp.frames(2)
        sizes = await sharp.do(
            """["map-canvas", "map-axes", "map-cross", "depth-canvas", "depth-texts"].map((id) => {
              const { width, height, clientWidth, clientHeight } = document.getElementById(id);
              return [id, width / clientWidth, height / clientHeight]; })"""
        )
        assert sizes == [[name, 2, 2] for name, *_ in sizes]
        step, high = await sharp.do(
            """(() => { const all = window.liquidity.page.map;
            const { cells, view: { range }, layout: { map } } = all;
            all.refine = true;
            all.writeCells();
            return [cells.raster.lattice.step / 1e8, (range.high - range.low) / map.height]; })()"""
        )
        steps = [tick * 10**power / 10 for power in range(4) for tick in (1, 2, 5)]
        assert step == min(each for each in steps if each >= high)  # two of the finer pixels
        cells = await compare(sharp, heard, count=120)
        assert cells.wrong == []
        assert cells.compared > 60
        assert cells.coloured > 20
        assert sharp.complaints == []


async def test_there_is_one_drawing_a_frame_and_no_frame_is_lost(page: Watched) -> None:
    """Each second is there, and is drawn with the whole of its data once."""
    before = await page.do("[window.liquidity.page.timings.length, window.liquidity.page.known.end]")
    await page.frames(4)
    after = await page.do("[window.liquidity.page.timings.length, window.liquidity.page.known.end]")
    seconds = (after[1] - before[1]) / 1000
    assert abs(after[0] - before[0] - seconds) <= 1
    times = await page.do("window.liquidity.page.known.seconds.map(({ row }) => row.timestamp)")
    assert times == list(range(times[0], times[-1] + 1, 1000))


async def test_the_simulated_exchange_is_named_where_nobody_can_miss_it(page: Watched) -> None:
    """In the header, with a strong border and text in a colour of its own, as large as the state beside it."""
    assert await page.text("source") == "SIMULATED"
    style = await page.do(
        """() => { const { borderTopColor, borderTopWidth, color, fontWeight } =
        getComputedStyle(document.getElementById("source"));
        return [borderTopColor, borderTopWidth, color, fontWeight]; }"""
    )
    assert style == ["rgb(255, 210, 74)", "2px", "rgb(255, 210, 74)", "700"]
    boxes = [await page.page.locator(f"#{name}").bounding_box() for name in ("source", "state")]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[0]["height"] >= boxes[1]["height"]


async def test_another_symbol_takes_the_place_of_the_first(page: Watched) -> None:
    """Nothing of the first is left: no second, no cell, no detection, no label."""
    first = await page.do(VIEW)
    await page.page.keyboard.press("2")
    await page.live(SYMBOLS[1])
    assert await page.do("window.liquidity.page.known.frame.symbol") == SYMBOLS[1]
    second = await page.do(VIEW)
    assert second["high"] < first["low"]
    assert await page.do("window.liquidity.page.map.base") == "ETH"
    assert f"symbol={SYMBOLS[1]}" in page.page.url
    shown, there = await page.do(
        """() => [[...document.querySelectorAll("#detections-rows [data-id]")].map((row) => row.dataset.id),
          window.liquidity.page.known.seconds.flatMap(({ row }) => row.detections.map(({ id }) => id))]"""
    )
    assert set(shown) <= set(there)


async def test_the_wheel_zooms_time_and_price_and_a_double_click_fits_them(page: Watched) -> None:
    """Following stays; the price under the pointer stays where it is, until the view goes on to follow the price."""
    x, y = await centre(page)
    await page.page.mouse.move(x, y)
    await page.do(AROUND_THE_WHEEL)
    await page.page.mouse.wheel(0, -400)
    await page.until("window.wheeled.length === 2")
    before, after = await page.do("window.wheeled")
    await page.until(SETTLED)
    assert after["to"] - after["from"] < 0.7 * (before["to"] - before["from"])
    assert after["high"] - after["low"] < 0.7 * (before["high"] - before["low"])
    middle = (before["high"] + before["low"]) / 2
    assert (after["high"] + after["low"]) / 2 == pytest.approx(
        middle, abs=0.02 * (after["high"] - after["low"])
    )
    assert await page.do("window.liquidity.page.map.view.following")
    await page.page.mouse.dblclick(x, y)
    await page.frames(1)
    fitted = await page.do(VIEW)
    assert fitted["to"] - fitted["from"] == pytest.approx(before["to"] - before["from"], rel=0.01)


async def test_zooming_out_ends_at_what_there_is(page: Watched) -> None:
    """After two hundred steps the axes have few labels, and the page is as quick as before."""
    x, y = await centre(page)
    await page.page.mouse.move(x, y)
    for _ in range(10):
        await page.page.mouse.wheel(0, 300)
    await page.do(  # the same at once: a hand's own events wait for a drawing each
        """async ([x, y]) => {
          for (let step = 0; step < 190; step += 1) {
            document.getElementById("map").dispatchEvent(
              new WheelEvent("wheel", { deltaY: 300, clientX: x, clientY: y, bubbles: true, cancelable: true }));
            if (step % 10 === 9) await new Promise(requestAnimationFrame);
          } }""",
        [x, y],
    )
    await page.frames(1)
    view = await page.do(VIEW)
    limits = await page.do("window.liquidity.page.map.limits")
    kept = await page.do("window.liquidity.page.known.end - window.liquidity.page.known.oldest")
    assert view["to"] - view["from"] <= max(kept, 180_000) + 10_000
    assert kept <= 215_000  # the window, and what leads from a whole book to it
    assert view["high"] - view["low"] <= 1.3 * (limits["highest"] - limits["lowest"])


async def test_a_hand_on_the_page_leaves_its_theme_alone(page: Watched) -> None:
    """Wheel and drag over map, axes, strips and curve: the texts keep their colour, the map its cells."""
    dark = """() => { const axes = document.getElementById("map-axes");
      const { data } = axes.getContext("2d").getImageData(0, 0, axes.width, axes.height);
      let [light, all] = [0, 0];
      for (let at = 0; at < data.length; at += 4) if (data[at + 3] > 200) { all += 1; light += data[at] > 100; }
      return light / all; }"""
    assert await page.do("document.documentElement.dataset.theme") == "dark"
    before = await page.do(dark)
    box = await page.do("document.getElementById('map').getBoundingClientRect().toJSON()")
    for across, down in ((0.3, 0.3), (0.3, 0.85), (0.78, 0.3), (0.95, 0.3), (0.3, 0.99), (0.3, 0.01)):
        x, y = box["left"] + across * box["width"], box["top"] + down * box["height"] - 2
        await page.page.mouse.move(x, y)
        await page.page.mouse.wheel(0, 120)
        await page.page.mouse.down()
        await page.page.mouse.move(x + 25, y + 10, steps=3)
        await page.page.mouse.up()
    await page.page.mouse.move(2, 2)
    await page.frames(1)
    assert await page.do(dark) > 0.5 * before
    assert await page.do("window.liquidity.page.map.theme") == "dark"
    low, high = await page.do("Object.values(window.liquidity.page.map.view.range).slice(2)")
    assert low > 1000
    assert high > low


async def test_a_held_view_keeps_its_data_and_says_that_it_is_behind(page: Watched) -> None:
    """Space holds it, the market goes on, and a click on the badge goes on with now."""
    await page.page.keyboard.press(" ")
    held = await page.do(VIEW)
    await page.frames(3)
    await page.until("/^HELD, \\d+ s behind$/.test(document.getElementById('state').textContent)")
    assert await page.do(VIEW) == held
    assert await page.do("window.liquidity.page.known.heldFrom") == held["from"]
    assert re.fullmatch(r"at \d\d:\d\d:\d\d\.\d", await page.text("numbers-at"))
    await page.page.click("#state")
    await page.until("document.getElementById('state').textContent === 'LIVE'")
    assert (await page.do(VIEW))["to"] > held["to"]


async def test_the_pointer_says_what_is_there_and_goes_on_saying_it(page: Watched) -> None:
    """Time, price, size, depth and rest; it moves on as the map moves under a still pointer."""
    x, y = await centre(page)
    await page.page.mouse.move(x + 200, y - 60)
    await page.until("!document.getElementById('map-tooltip').hidden")
    first = await page.text("map-tooltip")
    assert re.search(r"\d\d:\d\d:\d\d\.\d · \d\d:\d\d:\d\d\.\d UTC", first)
    await page.until("(before) => document.getElementById('map-tooltip').textContent !== before", first)
    assert await page.do("window.liquidity.page.map.bookIsPast")
    await page.page.mouse.move(2, 2)
    await page.until("document.getElementById('map-tooltip').hidden")
    assert not await page.do("window.liquidity.page.map.bookIsPast")


def as_number(text: str) -> float:
    """Return the number that a text says."""
    return float(text.replace(",", "").replace("\N{MINUS SIGN}", "-"))


async def test_any_instant_of_a_held_view_has_the_numbers_of_its_frame(
    page: Watched, program: Program
) -> None:
    """Header, book beside the map and depth curve under the pointer are those of that very update."""
    async with listener(program, SYMBOLS[0]) as heard:
        await page.do("window.liquidity.page.map.view.span = 8000")
        await page.frames(6)
        await page.page.keyboard.press(" ")
        await page.frames(1)
        held = await page.do(VIEW)
        await heard.until(int(held["to"]) // 1000 * 1000)
        left, top, wide = await page.do(
            """(() => { const box = document.getElementById("map").getBoundingClientRect();
            const { map } = window.liquidity.page.map.layout;
            return [box.left + map.left, box.top + map.top + 40, map.width]; })()"""
        )
        compared = 0
        for timestamp, frame in sorted(heard.seconds.items()):
            after = heard.seconds.get(timestamp + 1000)
            if "last_update_id" not in frame or not frame["updates"] or not after or not after["updates"]:
                continue
            last, following = frame["updates"][-1]["T"], after["updates"][0]["T"]
            if not (held["from"] < last and following < held["to"]) or following - last < 30:
                continue  # not seen, or too close to the next update for a pixel
            x = left + ((last + following) / 2 - held["from"]) / (held["to"] - held["from"]) * wide
            await page.page.mouse.move(x, top)
            await page.until("(u) => window.liquidity.page.map.book?.u === u", frame["last_update_id"])
            await page.until("document.getElementById('numbers-at').textContent.startsWith('at ')")
            shown = await shown_numbers(page)
            for name, key in (("mid-price", "mid_price"), ("number-spread", "spread"),
                              ("number-microprice", "microprice"), ("number-imbalance", "imbalance")):  # fmt: skip
                decimals = len(shown[name].partition(".")[2])
                assert as_number(shown[name]) == pytest.approx(frame[key], abs=0.5001 * 10**-decimals), name
            levels = await page.do(
                """window.liquidity.page.map.book.prices.map((prices, side) => Array.from(prices.slice(0, 10),
                  (price, rank) => [price / 1e8, window.liquidity.page.map.book.sizes[side][rank] / 1e8]))"""
            )
            assert levels == [frame["bid_levels"], frame["ask_levels"]]
            await page.until("window.liquidity.page.depth.book === window.liquidity.page.map.book")
            curve = await page.do(
                """(() => { const { curve } = window.liquidity.page.depth;
                return [curve.mid, curve.bids.sizes.slice(0, 10), curve.asks.sizes.slice(0, 10)]; })()"""
            )
            assert curve[0] == pytest.approx(frame["mid_price"])
            assert curve[1] == pytest.approx(frame["cumulative_bids"])
            assert curve[2] == pytest.approx(frame["cumulative_asks"])
            compared += 1
        assert compared >= 3


async def test_choices_are_kept_in_the_address_and_by_the_browser(page: Watched, program: Program) -> None:
    """A link shows what its sender saw, whatever the browser kept."""
    await page.page.click("#toggle-vwap")
    await page.page.select_option("#choose-colours", "grey")
    assert "vwap=1" in page.page.url
    assert "colours=grey" in page.page.url
    other = await page.context.new_page()
    await other.goto(
        f"http://127.0.0.1:{program.dashboard_port}/?symbol=ethusdt&theme=light&colours=one+hue&ticks=-3"
    )
    await other.wait_for_function("() => window.liquidity?.page?.known.frame?.status === 'live'", polling=50)
    facts = await other.evaluate(
        "[window.liquidity.page.symbol, window.liquidity.page.map.theme, window.liquidity.page.choices.colours,"
        " window.liquidity.page.choices.vwap, window.liquidity.page.choices.ticks]"
    )
    assert facts == ["ETHUSDT", "light", "one hue", True, "auto"]
    await other.close()
    await page.page.click("#toggle-vwap")
    await page.page.select_option("#choose-colours", "blue and orange")


async def test_a_symbol_that_is_not_followed_is_said(page: Watched, program: Program) -> None:
    """In the header, with the one that is shown instead; nothing once another is chosen."""
    other = await page.context.new_page()
    await other.goto(f"http://127.0.0.1:{program.dashboard_port}/?symbol=dogeusdt")
    await other.wait_for_function(
        "() => document.getElementById('reason')?.textContent === 'DOGEUSDT is not followed here; this is BTCUSDT'"
        " && window.liquidity.page?.known.frame?.status === 'live'",
        polling=50,
    )
    assert "symbol=BTCUSDT" in other.url
    await other.keyboard.press("2")
    await other.wait_for_function("() => document.getElementById('reason').textContent === ''", polling=50)
    await other.close()


async def test_the_picture_is_saved(page: Watched) -> None:
    """As PNG, named by symbol and time, composed twice as fine as a page, and without anything of the pointer."""
    x, y = await centre(page)
    await page.page.mouse.move(x - 100, y)
    await page.until("window.liquidity.page.map.bookIsPast")
    async with page.page.expect_download() as waiting:
        await page.page.keyboard.press("p")
    saved = await waiting.value
    assert re.fullmatch(r"BTCUSDT-\d{4}-\d\d-\d\dT\d{6}Z\.png", saved.suggested_filename)
    head = (await saved.path()).read_bytes()[:24]
    assert head.startswith(b"\x89PNG")
    assert struct.unpack(">II", head[16:24]) == (3200, 1800)
    facts = await page.do(
        """(() => { const { map } = window.liquidity.page.picture;
        return [map.bookIsPast, map.bookTitle, map.book !== null, map.isCoarse]; })()"""
    )
    assert facts == [False, "book now", True, False]
    assert await page.do("window.liquidity.page.map.bookIsPast")
    async with page.page.expect_download():
        await page.page.click("#picture")  # and once more, in the same place


async def test_only_ten_levels_are_shown_as_large_as_they_fit(page: Watched) -> None:
    """The prices reach little further than the ten levels did, and are as before when all is shown again."""
    before = await page.do(VIEW)
    await page.page.click("#toggle-top")
    await page.frames(1)
    tight = await page.do(VIEW)
    low, high = await page.do(
        """() => { const { known, map } = window.liquidity.page;
        const seen = known.seconds.filter(({ row }) => row.timestamp > map.view.range.from && row.bid_levels);
        return [Math.min(...seen.map(({ row }) => row.bid_levels[9][0])),
          Math.max(...seen.map(({ row }) => row.ask_levels[9][0]))]; }"""
    )
    assert tight["low"] < low < high < tight["high"]
    assert tight["high"] - tight["low"] < 0.8 * (before["high"] - before["low"])
    await page.page.click("#toggle-top")
    after = await page.do(VIEW)
    assert after["high"] - after["low"] > 0.7 * (before["high"] - before["low"])


async def test_tags_and_tooltip_leave_what_they_point_beside_in_sight(page: Watched) -> None:
    """At the mid the pointer's tag stands beside the mid's, and the tooltip reaches over neither prices nor book."""
    place = await page.do(
        """() => { const { map } = window.liquidity.page; const { range } = map.view; const box = map.layout.map;
        const { left, top } = document.getElementById("map").getBoundingClientRect();
        const mid = window.liquidity.page.known.frame.mid_price;
        return [left + box.left + box.width - 30,
          top + box.top + ((range.high - mid) / (range.high - range.low)) * box.height + 3,
          left + box.left + box.width]; }"""
    )
    await page.page.mouse.move(place[0], place[1])
    await page.until("!document.getElementById('map-tooltip').hidden")
    assert (
        await page.do("document.getElementById('map-tooltip').getBoundingClientRect().right") <= place[2] + 1
    )


@pytest.mark.parametrize("size", [(683, 384), NOTEBOOK, (2560, 1440)])
async def test_nothing_moves_as_the_pointer_comes(
    browser: Browser, program: Program, size: tuple[int, int]
) -> None:
    """The numbers of another time say of when, in the room that there is."""
    top = "document.getElementById('map').getBoundingClientRect().top"
    async with open_page(browser, program.dashboard_port, size=size) as small:
        await small.live()
        before = await small.do(top)
        # Five seconds back, where a program that has just begun knows the book too.
        await small.until("window.liquidity.page.known.seconds.length > 8")
        x, y = await small.do(
            """() => { const { map } = window.liquidity.page; const box = map.layout.map;
            const { left, top } = document.getElementById("map").getBoundingClientRect();
            const share = (map.view.range.to - 5000 - map.view.range.from) / (map.view.range.to - map.view.range.from);
            return [left + box.left + share * box.width, top + box.top + box.height / 2]; }"""
        )
        await small.page.mouse.move(x, y)
        await small.until("window.liquidity.page.map.bookIsPast && window.liquidity.page.map.book")
        await small.page.keyboard.press(" ")
        await small.until("document.getElementById('numbers-at').textContent !== ''")
        assert abs(await small.do(top) - before) < 1


async def test_a_notebook_shows_seven_detections_and_one_line_of_the_order(page: Watched) -> None:
    """Until an order is typed its panel is a line; head and controls are a line each."""
    heights = await page.do(
        """["impact-panel", "toolbar", "detections-panel"].map(
        (id) => document.getElementById(id).getBoundingClientRect().height)"""
    )
    assert heights[0] < 45
    assert heights[1] < 40
    assert heights[2] - 30 > 7 * 36
    await page.page.fill("#impact-size", "1")
    await page.until("document.querySelectorAll('#impact-figures dd').length >= 3")
    await page.page.fill("#impact-size", "")
    await page.until("document.getElementById('impact-panel').getBoundingClientRect().height < 45")


async def test_keys_are_shown_and_closed_again(page: Watched) -> None:
    """By ? and by Escape."""
    await page.page.keyboard.press("?")
    assert await page.page.is_visible("#keys-panel")
    await page.page.keyboard.press("h")
    assert await page.page.is_visible("#health-panel")
    await page.page.keyboard.press("Escape")
    assert not await page.page.is_visible("#keys-panel")
    assert not await page.page.is_visible("#health-panel")


async def test_help_and_health_have_a_title_and_a_button_that_closes_them(page: Watched) -> None:
    """Help says what each mark, colour and term is; and both are closed by hand."""
    for name, title in (("keys", "help"), ("health", "health")):
        await page.page.click(f"#{name}")
        assert await page.text(f"{name}-title") == title
        await page.page.click(f"#{name}-close")
        assert not await page.page.is_visible(f"#{name}-panel")
    told = await page.text("keys-panel")
    for word in (
        "wall",
        "sweep",
        "absorption",
        "layering",
        "iceberg",
        "exhaustion",
        "gave way",
        "OFI",
        "VWAP",
    ):
        assert word in told


async def test_which_order_flow_is_shown_can_be_chosen(page: Watched) -> None:
    """That of the best levels, unless the change of ten-level volumes is asked for: in strip and header."""
    shown = """() => {
      const { known: { frame, seconds }, map: { shapes, scene } } = window.liquidity.page;
      const { ofi_best, ofi } = seconds.at(-1).row;
      return [frame.timestamp, shapes.strips.ofi.last, scene.flow, ofi_best, ofi];
    }"""
    await page.page.click("[aria-controls=scale-menu]")
    for flow in ("ofi", "ofi_best"):
        await page.page.select_option("#choose-flow", flow)
        await page.until(
            f"(flow) => ((at) => at[2] === flow && at[1] === at[flow === 'ofi' ? 4 : 3])(({shown})())", flow
        )
        best, ten = await page.do(f"({shown})().slice(3)")
        assert best != ten
        assert await page.do(
            f"new URLSearchParams(location.search).get('flow') === {'null' if flow == 'ofi_best' else repr(flow)}"
        )
    await page.page.keyboard.press("Escape")


async def test_vwap_has_a_name_and_a_value(page: Watched) -> None:
    """As a tag on the price axis, which keeps away from the mid's."""
    await page.page.click("#toggle-vwap")
    await page.until("window.liquidity.page.map.scene.vwap !== null")
    await page.page.click("#toggle-vwap")
    await page.until("window.liquidity.page.map.scene.vwap === null")


async def test_the_theme_is_toggled_and_kept(page: Watched) -> None:
    """Page, map and surface change together."""
    await page.page.keyboard.press("t")
    assert await page.do("document.documentElement.dataset.theme") == "light"
    assert await page.do("getComputedStyle(document.body).backgroundColor") == "rgb(233, 237, 242)"
    await page.page.keyboard.press("t")
    assert await page.do("window.liquidity.page.map.theme") == "dark"


async def test_the_surface_follows_the_window(page: Watched) -> None:
    """It is made after the map, and changes with each second."""
    await page.until("document.querySelector('#surface canvas') !== null")
    sizes = "JSON.stringify(document.getElementById('surface').data[0].z)"
    before = await page.do(sizes)
    await page.until(f"(before) => {sizes} !== before", before)


async def test_a_held_view_holds_the_surface_and_says_of_when_it_is(page: Watched) -> None:
    """In another theme, too; and it goes on with now."""
    newest = "window.liquidity.page.surface.written.split(',')[0]"
    sizes = "JSON.stringify(document.getElementById('surface').data[0].z)"
    await page.until(f"window.liquidity.page.surface.made && {newest} === 'now'")
    await page.page.keyboard.press(" ")
    await page.until(rf"/^\d\d:\d\d:\d\d$/.test({newest})")
    held = await page.do(f"[{newest}, {sizes}]")
    await page.page.keyboard.press("t")
    end = await page.do("window.liquidity.page.known.end")
    await page.until("(end) => window.liquidity.page.known.end >= end + 3000", end)
    assert await page.do(f"[{newest}, {sizes}]") == held
    await page.page.keyboard.press("t")
    await page.page.keyboard.press("f")
    await page.until(f"(held) => {newest} === 'now' && {sizes} !== held", held[1])


async def test_contexts_of_webgl_are_few(page: Watched) -> None:
    """The same few however often theme and symbol change and the view is held."""
    await page.until(SURFACE_DRAWN)
    before = await page.do("window.webglContexts()")
    assert before <= MOST_CONTEXTS
    with page.reconnecting():
        for turn in range(10):
            await page.page.keyboard.press("t")
            await page.page.keyboard.press(" ")
            await page.page.keyboard.press("21"[turn % 2])
            await page.live(SYMBOLS[1 - turn % 2])
            await page.do("window.liquidity.page.timings.length = 0")
            await page.until(SURFACE_DRAWN)
            await page.page.keyboard.press("f")
    assert await page.do("window.webglContexts()") == before
    assert await page.do("document.querySelectorAll('canvas').length") < 20


@pytest.mark.parametrize("size", [(390, 844), (683, 384), (1024, 768), NOTEBOOK, (2560, 1440)])
async def test_nothing_is_cut_off_at_any_size(
    browser: Browser, program: Program, size: tuple[int, int]
) -> None:
    """LIVE and SIMULATED are in view, and nothing reaches past the window's right edge."""
    async with open_page(browser, program.dashboard_port, size=size) as small:
        await small.live()
        beyond = await small.do(
            """() => [...document.querySelectorAll("#page *")].filter((e) => {
            const box = e.getBoundingClientRect();
            return box.width && getComputedStyle(e).position !== "fixed" && !e.closest(".unseen, #surface, .scroll")
              && box.right > window.innerWidth + 1; }).map((e) => e.id || e.className || e.tagName)"""
        )
        assert beyond == []
        for badge in ("state", "source"):
            box = await small.do(f"document.getElementById('{badge}').getBoundingClientRect().toJSON()")
            assert box["left"] >= 0
            assert box["right"] <= size[0]
            assert 0 <= box["top"] < size[1]
        above = await small.do("document.getElementById('map').getBoundingClientRect().top")
        assert above < {390: 180, 683: 80}.get(size[0], 100)  # head and controls are low
        assert small.complaints == []


@pytest.mark.parametrize(
    ("size", "ratio"),
    [((390, 844), 1), ((683, 384), 2), ((800, 600), 1), ((1000, 700), 1), (NOTEBOOK, 1), ((2560, 1440), 1)],
)
async def test_all_figures_of_the_head_are_whole(
    browser: Browser, program: Program, size: tuple[int, int], ratio: float
) -> None:
    """None is cut, left out or covered, held or not; a narrow page gives them a row of their own."""
    covered = """() => [...document.querySelectorAll("header .number, #state, #source")].filter((e) => {
      const { left, right, top, bottom } = e.getBoundingClientRect();
      const ends = [[left + 1, top + 2], [right - 1, top + 2], [left + 1, bottom - 2], [right - 1, bottom - 2]];
      return e.scrollWidth > e.clientWidth + 1 || !ends.every(([x, y]) => {
        const seen = document.elementFromPoint(x, y);
        return seen && (e.contains(seen) || seen.contains(e));
      }) || [...document.querySelectorAll(".numbers")].some((box) => box.contains(e) && (
        box.getBoundingClientRect().right < right - 1 || box.getBoundingClientRect().bottom < bottom - 1));
    }).map((e) => e.id || e.className)"""
    async with open_page(browser, program.dashboard_port, size=size, ratio=ratio) as small:
        await small.live()
        await small.until("document.getElementById('number-latency').textContent.endsWith(' ms')")
        assert await small.do(covered) == []
        silence = "no trades: connected, but nothing came for 6.1 s"
        beside, cut = await small.do(
            f"""(text) => {{ const reason = document.getElementById("reason"), before = reason.textContent;
            reason.textContent = text; const found = [({covered})(), reason.scrollHeight - reason.clientHeight];
            reason.textContent = before; return found; }}""",
            silence,
        )
        assert (beside, cut <= 1) == ([], True)  # a word beside the numbers takes none of their room
        await small.page.click("#follow")
        await small.until("/^HELD/.test(document.getElementById('state').textContent)")
        assert await small.do(covered) == []


async def test_a_killed_api_is_seen_and_come_back_to(page: Watched, program: Program) -> None:
    """The page says that it is disconnected, and fills its window again once the API is back."""
    if program.process is None:
        raise RuntimeError("not started")
    children = psutil.Process(program.process.pid).children(recursive=True)
    (api,) = [child for child in children if child.environ().get("ROLE") == "api"]
    with page.reconnecting(), page.refused():
        api.suspend()  # so that the page has the time to see it, however fast a new one is there
        await page.until("document.getElementById('state').textContent === 'DISCONNECTED'")
        assert await shown_numbers(page) == NOT_SHOWN
        assert await page.page.is_visible("#veil")
        api.kill()
        await page.live()
    async with asyncio.timeout(PATIENCE):
        await page.frames(2)
    assert not await page.do("window.liquidity.page.known.broken")
