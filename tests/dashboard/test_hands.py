"""What hands do on the page and what the eye sees of it, on an API whose frames a test makes."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, CDPSession

from tests.dashboard.browser import Watched, open_page
from tests.dashboard.fake_api import SYMBOLS, FakeApi
from tests.program import PATIENCE, Frame

pytestmark = pytest.mark.asyncio(loop_scope="module")

SYMBOL = SYMBOLS[0]
PHONE = (390, 844)
EVERY = 9  # seconds between two detections
FOLLOWS = "window.liquidity.page.map.view.following"
RANGE = "({ ...window.liquidity.page.map.view.range })"
SETTLED = "window.liquidity.page.nextDrawing === 0"
STATE = "document.getElementById('state').textContent"
TIP = "document.getElementById('map-tooltip')"
CROSS = """(() => { const canvas = document.getElementById("map-cross");
  return canvas.width > 0 && canvas.style.opacity !== "0" && canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((v) => v); })()"""
# The time that the crosshair's upright rule stands at, of its pixels alone; null without one.
CROSS_TIME = """(() => { const canvas = document.getElementById("map-cross");
  const { map, strips } = window.liquidity.page.map.layout;
  const ratio = window.devicePixelRatio;
  const top = Math.round((map.top + map.height) * ratio) + 1;
  const bottom = Math.round(strips.at(-1).top * ratio); // where nothing but the rule is
  const { data, width } = canvas.getContext("2d").getImageData(0, top, Math.round(map.width * ratio), bottom - top);
  const counts = new Array(width).fill(0);
  for (let at = 3; at < data.length; at += 4) counts[((at - 3) / 4) % width] += data[at] > 0;
  const x = counts.indexOf(Math.max(...counts));
  if (!counts[x]) return null;
  const { from, to } = window.liquidity.page.map.view.range;
  return from + ((x / ratio - map.left) / map.width) * (to - from); })()"""
A_PIXEL = "(({ from, to }) => (to - from) / window.liquidity.page.map.layout.map.width)(window.liquidity.page.map.view.range)"


class Eventful(FakeApi):
    """An API with a sweep every few seconds, by a buyer and a seller in turn."""

    def make(self, symbol: str, second: int) -> Frame:
        """Return the frame of this second."""
        frame = super().make(symbol, second)
        if frame["status"] == "live" and second % EVERY == 0:
            frame["detections"] = [
                {
                    "id": f"{symbol} {second}", "kind": "sweep", "event": "fired",
                    "side": "ask" if second % 2 else "bid", "price": self.mids[symbol] / 10,
                    "started_at": second * 1000 - 400, "time": second * 1000 - 320, "reason": None,
                    "magnitude": 1.0, "rank": 1.0,
                    "evidence": {"levels": 4, "volume": 3.25, "duration_ms": 80, "last_price": self.mids[symbol] / 10 + 0.4},
                }
            ]  # fmt: skip
        return frame


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api() -> AsyncIterator[FakeApi]:
    """Run one fake API for all tests, with a window that is full."""
    async with Eventful() as running:
        past = range(running.second - 175, running.second)
        await running.send(*(running.make(SYMBOL, second) for second in past))
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def page(one_page: Watched) -> AsyncIterator[Watched]:
    """Return the page as it is after loading; afterwards its console must have been silent."""
    await one_page.page.keyboard.press("Escape")
    await one_page.page.mouse.move(2, 2)
    await one_page.do("document.activeElement.blur()")
    await one_page.page.keyboard.press("f")
    await one_page.live(SYMBOL)
    await one_page.until(SETTLED)
    one_page.complaints.clear()
    yield one_page
    assert one_page.complaints == []


async def place(page: Watched, part: str, across: float = 0.5, down: float = 0.5) -> tuple[float, float]:
    """Return a place in a part of the map's panel, in CSS pixels of the window."""
    x, y = await page.do(
        """([part, across, down]) => { const { left, top } = document.getElementById("map").getBoundingClientRect();
        const { layout } = window.liquidity.page.map;
        const box = part === "strip" ? layout.strips[1] : layout[part];
        return [left + box.left + across * box.width, top + box.top + down * box.height]; }""",
        [part, across, down],
    )
    return x, y


async def middle(page: Watched, selector: str) -> tuple[float, float]:
    """Return the middle of an element."""
    x, y = await page.do(
        """(selector) => { const box = document.querySelector(selector).getBoundingClientRect();
        return [(box.left + box.right) / 2, (box.top + box.bottom) / 2]; }""",
        selector,
    )
    return x, y


async def a_mark(page: Watched, share: float = 0.6) -> tuple[dict[str, Any], float, float]:
    """Return a detection about there in the lane, and where its mark is in the window."""
    entry, x, y = await page.do(
        """(share) => { const { map } = window.liquidity.page;
        const wanted = map.layout.lane.width * share;
        const { left, top } = document.getElementById("map").getBoundingClientRect();
        const [{ entry, x, y }] = map.marks.toSorted((a, b) => Math.abs(a.x - wanted) - Math.abs(b.x - wanted));
        return [entry, left + x, top + y]; }""",
        share,
    )
    return entry, x, y


async def seen_of_the_crosshair(page: Watched) -> str:
    """Return a digest of the crosshair's canvas as the eye sees it, which is not always what it holds."""
    others = """(visibility) => {
      for (const { style } of document.querySelectorAll("#map > :not(#map-cross), #map-tooltip")) style.visibility = visibility;
    }"""
    await page.do(others, "hidden")
    try:
        await page.do("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return hashlib.sha256(await page.page.locator("#map").screenshot()).hexdigest()
    finally:
        await page.do(others, "")


# --- the crosshair ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "to"),
    [("map", "header"), ("map", "#depth"), ("strip", "#depth"), ("book", "#depth"), ("lane", "#toolbar")],
)
async def test_the_crosshair_leaves_with_the_pointer(page: Watched, part: str, to: str) -> None:
    """The eye sees nothing of it any more, and it does not come back with the next second."""
    nothing = await seen_of_the_crosshair(page)
    await page.page.mouse.move(*await place(page, part))
    await page.until(CROSS)
    assert await seen_of_the_crosshair(page) != nothing
    await page.page.mouse.move(*await middle(page, to))
    own = "window.liquidity.page.depth.lines[0]"  # a chart has a tooltip of its own
    await page.until(f"!{CROSS} && ({TIP}.hidden || {TIP}.firstElementChild.textContent === {own})")
    assert await seen_of_the_crosshair(page) == nothing
    await page.frames(1)
    assert await seen_of_the_crosshair(page) == nothing
    assert not await page.do(CROSS)
    assert not await page.do("window.liquidity.page.map.bookIsPast")


@pytest.mark.parametrize(
    "how",
    [
        "window.dispatchEvent(new FocusEvent('blur'))",
        "document.getElementById('map').dispatchEvent(new PointerEvent('pointercancel', { bubbles: true, pointerId: 7 }))",
        "document.documentElement.dispatchEvent(new PointerEvent('pointerleave', { pointerType: 'mouse' }))",
        "document.getElementById('depth').dispatchEvent(new PointerEvent('pointermove', { bubbles: true, pointerType: 'mouse' }))",
    ],
)
async def test_the_crosshair_leaves_where_no_pointer_says_so(page: Watched, how: str) -> None:
    """The window loses its focus, the pointer is taken away, or it is over something else all of a sudden."""
    await page.page.mouse.move(*await place(page, "map"))
    await page.until(CROSS)
    await page.do(how)
    assert not await page.do(CROSS)
    assert await page.do(f"{TIP}.hidden")


async def test_the_crosshair_leaves_after_a_drag_out_of_the_map(page: Watched) -> None:
    """The button is let go over another panel."""
    await page.page.mouse.move(*await place(page, "map", 0.5))
    await page.page.mouse.down()
    await page.page.mouse.move(*await place(page, "map", 0.8), steps=3)
    await page.page.mouse.move(*await middle(page, "#depth"), steps=3)
    await page.page.mouse.up()
    await page.until(f"!{CROSS}")
    await page.frames(1)
    assert not await page.do(CROSS)


# --- detections -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("how", ["mark", "row"])
async def test_a_chosen_detection_holds_the_view_on_its_instant(page: Watched, how: str, held: bool) -> None:
    """The crosshair stands at its time however the market goes on, until the pointer moves over the map."""
    await page.page.mouse.move(*await place(page, "map", 0.5))
    for _ in range(2):
        await page.page.mouse.wheel(0, -390)
    await page.until(SETTLED)
    if held:
        await page.page.keyboard.press(" ")
    entry, x, y = await a_mark(page, 0.25)  # with as much behind it as before
    row = page.page.locator(f"#detections-rows [data-id='{entry['id']}'] button")
    if how == "mark":
        if not held:  # with the next second marks move on, farther than a click may miss them
            await page.frames(1)
            entry, x, y = await a_mark(page, 0.25)
            row = page.page.locator(f"#detections-rows [data-id='{entry['id']}'] button")
        await page.page.mouse.click(x, y)
    else:
        if await row.get_attribute("aria-expanded") == "true":  # of the test before; a click would close it
            await row.click()
        await row.click()
    await page.until(f"{STATE}.startsWith('HELD')")
    await page.until(f"{SETTLED} && {CROSS}")
    view = await page.do(RANGE)
    pixel = await page.do(A_PIXEL)
    assert (view["from"] + view["to"]) / 2 == pytest.approx(entry["started_at"], abs=2 * pixel)
    assert (view["low"] + view["high"]) / 2 == pytest.approx(entry["price"], abs=1e-6)
    for _ in range(2):
        assert await page.do(CROSS_TIME) == pytest.approx(entry["started_at"], abs=2 * pixel)
        assert "sweep at" in await page.text("map-tooltip")
        await page.frames(2)
    assert await page.do(RANGE) == view
    assert not await page.do(FOLLOWS)
    assert await row.get_attribute("aria-expanded") == "true"
    await page.page.mouse.move(*await place(page, "map", 0.25))
    await page.until(f"Math.abs({CROSS_TIME} - {entry['started_at']}) > 20 * {A_PIXEL}")


async def test_the_crosshair_of_a_chosen_detection_moves_with_its_time(page: Watched) -> None:
    """Panned by keys it goes with the picture, and out of the picture it is gone."""
    entry, x, y = await a_mark(page, 0.5)
    await page.page.mouse.click(x, y)
    await page.page.mouse.move(*await middle(page, "#depth"))
    await page.until(f"{CROSS} && {SETTLED}")
    await page.page.keyboard.press("+")
    await page.page.keyboard.press("ArrowLeft")
    await page.until(SETTLED)
    assert await page.do(CROSS_TIME) == pytest.approx(entry["started_at"], abs=2 * await page.do(A_PIXEL))
    for _ in range(14):
        await page.page.keyboard.press("ArrowLeft")
    await page.until(SETTLED)
    if entry["started_at"] > (await page.do(RANGE))["to"]:
        assert not await page.do(CROSS)


@pytest.mark.parametrize("off", [0, 9])
async def test_a_mark_says_what_it_is(page: Watched, api: FakeApi, off: int) -> None:
    """Under the pointer, and near it: kind and side in words, levels, volume, price and time."""
    async with api.paused():
        await page.until("(second) => window.liquidity.page.drawnSecond === second", api.second)
        entry, x, y = await a_mark(page)
        await page.page.mouse.move(x + off, y)
        await page.until(f"!{TIP}.hidden")
        text = await page.text("map-tooltip")
        assert await page.do("getComputedStyle(document.getElementById('map')).cursor") == "pointer"
    assert ("buy sweep" if entry["side"] == "ask" else "sell sweep") in text
    for part in ("4 levels", "3.25", f"{entry['price']:,.1f} USDT", " UTC"):
        assert part in text
    await page.page.mouse.move(*await place(page, "map"))
    await page.until("getComputedStyle(document.getElementById('map')).cursor === 'crosshair'")


async def test_a_list_that_is_scrolled_says_what_is_newer(page: Watched, api: FakeApi) -> None:
    """What is read stays where it is, whole at the top, and one press goes to the newest."""
    scroller = "document.querySelector('#detections-panel .scroll')"
    top = f"""(() => {{ const {{ top }} = {scroller}.getBoundingClientRect();
      const rows = [...document.querySelectorAll('#detections-rows li')];
      const row = rows.find((each) => each.getBoundingClientRect().bottom > top + 2);
      return [row.dataset.id, Math.round(row.getBoundingClientRect().top - top)]; }})()"""
    await page.do(f"{scroller}.scrollTop = 0")
    await page.until("document.getElementById('detections-newer').hidden")
    await page.page.mouse.move(*await middle(page, "#detections-panel .scroll"))
    await page.page.mouse.wheel(0, 95)
    await page.until(f"{scroller}.scrollTop > 60")
    await asyncio.sleep(0.4)
    newest = await page.do("document.querySelector('#detections-rows li').dataset.id")
    await page.until(f"document.querySelector('#detections-rows li').dataset.id !== {newest!r}")
    read, offset = await page.do(top)
    assert abs(offset) <= 1
    newer = "parseInt(document.getElementById('detections-newer').textContent, 10)"
    await page.until(f"{newer} >= 1")
    count = await page.do(newer)
    assert await page.text("detections-newer") in (f"{count} newer ↑", f"{count + 1} newer ↑")
    await page.until(f"{newer} > {count}")
    assert await page.do(top) == [read, offset]
    await page.page.click("#detections-newer")
    await page.until(f"{scroller}.scrollTop === 0")
    assert not await page.page.is_visible("#detections-newer")
    assert (await page.do(top))[1] == 0
    assert await page.do(f"getComputedStyle({scroller}).scrollbarWidth") == "thin"


# --- the book ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["book", "prices"])
@pytest.mark.parametrize("held", [False, True])
async def test_the_book_column_is_read_as_the_book_that_it_shows(
    page: Watched, api: FakeApi, part: str, held: bool
) -> None:
    """Row, side, size, what stands up to it, since when, and what was traded there: of now or of the held instant."""
    if held:
        await page.page.keyboard.press(" ")
        await page.until("window.liquidity.page.map.bookIsPast")
    async with api.paused():
        await page.until("(second) => window.liquidity.page.drawnSecond === second", api.second)
        await page.until(SETTLED)
        for side, name in enumerate(("bid", "ask")):
            price, size, total = await page.do(
                """(side) => { const { prices, sizes } = window.liquidity.page.map.book;
                return [prices[side][3] / 1e8, sizes[side][3] / 1e8, sizes[side].slice(0, 4).reduce((a, b) => a + b) / 1e8]; }""",
                side,
            )
            y = await page.do(
                "(price) => document.getElementById('map').getBoundingClientRect().top + window.liquidity.page.map.pixelOf(0, price).y",
                price,
            )
            await page.page.mouse.move((await place(page, part, 0.3))[0], y)
            await page.until(f"(text) => {TIP}.textContent.includes(text)", f"{price:,.1f} USDT")
            text = await page.text("map-tooltip")
            assert "still to come" not in text
            assert await page.do("window.liquidity.page.map.bookIsPast") is held
            assert f"{name} {size:.3g} BTC" in text
            assert f"{total:.3g} BTC from the touch to here" in text
            assert "has rested for" in text


async def test_levels_that_trade_say_how_much(page: Watched) -> None:
    """The row of the newest trade has a volume; a row far away is said not to be known."""
    y = await page.do(
        """() => { const { known, map } = window.liquidity.page;
        return document.getElementById("map").getBoundingClientRect().top + map.pixelOf(0, known.seconds.at(-1).row.tape[0][1]).y; }"""
    )
    await page.page.mouse.move((await place(page, "book"))[0], y)
    await page.until(f"/traded here: bought 0, sold \\d/.test({TIP}.textContent)")
    await page.page.mouse.move((await place(page, "book"))[0], (await place(page, "book", 0.5, 0.02))[1])
    await page.until(f"{TIP}.textContent.includes('not known')")


# --- keys -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pressed", ["#toggle-vwap", "#depth-ranges button", "#impact-sell", "#health", "#theme", "#price-auto"]
)
async def test_space_holds_after_a_click_on_anything(page: Watched, pressed: str) -> None:
    """It holds and goes on, and does not press again what was clicked before."""
    await page.page.click(pressed)
    state = f"document.querySelector({pressed!r}).getAttribute('aria-pressed')"
    before = await page.do(state)
    await page.page.keyboard.press(" ")
    assert not await page.do(FOLLOWS)
    await page.page.keyboard.press(" ")
    assert await page.do(FOLLOWS)
    assert await page.do(state) == before
    if pressed not in ("#impact-sell", "#depth-ranges button"):
        await page.page.click(pressed)
    await page.page.keyboard.press("Escape")


async def test_space_goes_on_after_a_click_on_a_row(page: Watched) -> None:
    """Which holds the view; the row stays open."""
    await page.page.locator("#detections-rows button").nth(1).click()
    await page.until(f"!{FOLLOWS}")
    await page.page.keyboard.press(" ")
    assert await page.do(FOLLOWS)
    assert await page.do("document.querySelectorAll('#detections-rows dl').length") == 1


async def test_who_walks_by_keyboard_presses_with_space(page: Watched) -> None:
    """A button that has the focus by Tab is pressed; in a text field a space is a space."""
    await page.page.focus("#toggle-top")
    await page.page.keyboard.press("Tab")
    assert await page.do("document.activeElement.id") == "toggle-vwap"
    await page.page.keyboard.press(" ")
    assert await page.do(FOLLOWS)
    assert await page.pressed("toggle-vwap")
    await page.page.keyboard.press(" ")
    await page.page.click("#impact-size")
    await page.page.keyboard.press(" ")
    assert await page.do("document.getElementById('impact-size').value") == " "
    assert await page.do(FOLLOWS)
    await page.page.fill("#impact-size", "")


async def test_the_keys_say_what_the_wheel_does_while_it_follows(page: Watched) -> None:
    """And it does so: time stays pinned to now, and held it zooms at the pointer."""
    assert "pinned to now; hold first" in (await page.text("keys-panel")).replace(
        ", and the price in view", ""
    )
    x, y = await place(page, "map", 0.3)
    await page.page.mouse.move(x, y)
    await page.page.mouse.wheel(0, -500)
    assert await page.do(FOLLOWS)
    await page.page.keyboard.press(" ")
    pointed = "(({ from, to }) => from + 0.3 * (to - from))(window.liquidity.page.map.view.range)"
    before = await page.do(pointed)
    await page.page.mouse.wheel(0, -300)
    await page.until(SETTLED)
    assert await page.do(pointed) == pytest.approx(before, abs=2 * await page.do(A_PIXEL))


# --- prices -----------------------------------------------------------------------------------------------

MID = "window.liquidity.page.known.frame.mid_price"
MID_AT = f"(({{ low, high }}) => ({MID} - low) / (high - low))(window.liquidity.page.map.view.range)"


async def test_a_hand_that_moves_on_is_not_held_up_by_cells_made_for_where_it_was(page: Watched) -> None:
    """Those of the new zoom are made a part at a time once it rests, not all at once in its next picture."""
    await page.page.keyboard.press(" ")  # what is new would have cells made as well
    zoomed = """() => { const { map } = window.liquidity.page;
      const zoom = () => {
        const { from, to, low, high } = map.view.range;
        map.view.range = { from: (from + to) / 2, to, low: (3 * low + high) / 4, high: (low + 3 * high) / 4 };
      };
      zoom(); map.draw();
      const first = map.isCoarse;
      map.prepare(() => false); map.refine = true;
      zoom(); map.draw();
      const second = map.isCoarse;
      map.prepare(() => false); map.refine = true;
      map.draw();
      return [first, second, map.isCoarse]; }"""
    assert await page.do(zoomed) == [True, True, False]
    await page.page.keyboard.press(" ")


async def test_a_hand_that_zooms_out_makes_no_cells_and_no_bubbles_until_it_rests(page: Watched) -> None:
    """Those of another zoom do, however large its cells are to be: all that is known is there in fine ones."""
    await page.page.keyboard.press(" ")  # what is new would have both made as well
    zoomed = """() => { const { map, drawing } = window.liquidity.page;
      map.choices.ticks = 10; // far larger rows than those of all that is known
      const { limits, view } = map;
      const { from, to } = view.range;
      const [middle, usdt] = [(limits.highest + limits.lowest) / 2, 1.25 * (limits.highest - limits.lowest)];
      const draw = (share) => {
        view.range = { from: to - (to - from) * share, to, low: middle - usdt / 2 * share, high: middle + usdt / 2 * share };
        map.draw();
        return map.isCoarse;
      };
      draw(1 / 64);
      map.prepare(() => false);
      map.refine = true;
      const shown = [draw(1 / 64), map.isBehind];
      const kind = Object.getPrototypeOf(map.held);
      const { make } = kind;
      const { bubblesKey } = map.shapes;
      kind.make = function counted(...given) { shown.push("cells"); return make.apply(this, given); };
      try {
        for (const share of [1 / 16, 1 / 4, 1]) shown.push(draw(share));
      } finally {
        kind.make = make;
      }
      drawing.refineLater();
      return [...shown, map.shapes.bubblesKey === bubblesKey, map.isBehind]; }"""
    try:
        assert await page.do(zoomed) == [False, False, True, True, True, True, True]
        await page.until(f"{SETTLED} && !window.liquidity.page.map.isBehind")
    finally:
        await page.do("window.liquidity.page.map.choices.ticks = 'auto'")
        await page.page.keyboard.press("f")


async def test_a_hand_that_rests_as_a_second_comes_leaves_the_bubbles_to_its_drawing(page: Watched) -> None:
    """What is drawn of trades before is not taken for all of those that are known now."""
    await page.page.keyboard.press(" ")
    await page.until(f"{SETTLED} && !window.liquidity.page.map.isBehind")
    rested = """() => { const { map, known } = window.liquidity.page;
      const { bubblesKey } = map.shapes;
      const { from, to } = map.view.range;
      map.view.range = { ...map.view.range, from: (from + to) / 2 };
      map.draw();
      known.version += 1; // a second that came, and is not drawn yet
      map.prepare(() => false);
      const kept = map.shapes.bubblesKey === bubblesKey;
      known.version -= 1;
      map.prepare(() => false);
      return [kept, map.shapes.bubblesKey === bubblesKey]; }"""
    assert await page.do(rested) == [True, False]
    await page.page.keyboard.press("f")


async def test_prices_zoomed_by_hand_go_with_the_price(page: Watched, api: FakeApi) -> None:
    """The chip goes out with the wheel; the mid stays in the middle and the height as it is; the chip fits them again."""
    assert await page.pressed("price-auto")
    await page.page.mouse.move(*await place(page, "map", 0.5, 0.5))
    await page.page.mouse.wheel(0, -300)
    await page.until("document.getElementById('price-auto').getAttribute('aria-pressed') === 'false'")
    height = await page.do(f"(({{ low, high }}) => high - low)({RANGE})")
    try:
        for step in (25, -50, 25):
            api.mids[SYMBOL] += step
            await page.frames(2)
            await page.until(f"{SETTLED} && {MID_AT} > 0.09 && {MID_AT} < 0.91")
            assert await page.do(f"(({{ low, high }}) => high - low)({RANGE})") == pytest.approx(height)
            assert not await page.page.is_visible("#price-off")
    finally:
        api.mids[SYMBOL] = 600_000
    await page.page.click("#price-auto")
    await page.until("document.getElementById('price-auto').getAttribute('aria-pressed') === 'true'")
    await page.until(f"{MID_AT} > 0.1 && {MID_AT} < 0.9")


@pytest.mark.parametrize(("step", "arrow"), [(40, "▲"), (-40, "▼")])
async def test_prices_moved_by_hand_stay_and_are_brought_back_by_a_click(
    page: Watched, api: FakeApi, step: int, arrow: str
) -> None:
    """Where the price leaves them a button says so, with where it is."""
    x, y = await place(page, "map", 0.3, 0.5)
    await page.page.mouse.move(x, y)
    await page.page.mouse.wheel(0, -250)
    await page.until(SETTLED)
    await page.page.mouse.down()
    await page.page.mouse.move(x, y + 8, steps=3)
    await page.page.mouse.up()
    await page.page.mouse.move(2, 2)
    await page.until(SETTLED)
    before = await page.do(f"(({{ low, high }}) => [low, high])({RANGE})")
    try:
        api.mids[SYMBOL] += step
        await page.until("document.getElementById('price-off').checkVisibility()")
        assert re.fullmatch(rf"price is off view {arrow} [\d,]+\.\d\d · click", await page.text("price-off"))
        await page.frames(1)
        assert await page.do(f"(({{ low, high }}) => [low, high])({RANGE})") == before
        await page.page.click("#price-off")
        await page.until(f"{MID_AT} > 0.1 && {MID_AT} < 0.9")
        await page.until("document.getElementById('price-off').hidden")
        assert await page.do(FOLLOWS)
    finally:
        api.mids[SYMBOL] = 600_000


async def test_a_double_click_on_the_axis_selects_nothing(page: Watched) -> None:
    """No text of the page is marked by it."""
    await page.page.mouse.dblclick(*await place(page, "prices"))
    assert await page.do("window.getSelection().toString()") == ""


# --- holding ----------------------------------------------------------------------------------------------


WATCH_HEADER = """() => {
  const says = (id) => document.getElementById(id).textContent;
  const seen = [];
  window.behindOfNow = new MutationObserver(() => {
    if (says("state-behind") && !says("numbers-at")) seen.push(`${says("state")} ${says("mid-price")}`);
  });
  window.behindOfNow.seen = seen;
  window.behindOfNow.observe(document.querySelector("header"), { subtree: true, childList: true, characterData: true });
}"""
"""Notes each moment at which the header says that it is behind and yet shows numbers that are not said to be of then."""


async def test_holding_moves_nothing_and_says_what_is_of_when(page: Watched) -> None:
    """Header, toolbar and map stay where they are; badge, button and numbers say that the view is held."""
    boxes = """['header', '#toolbar', '#map', '#side', '#follow', '#choose-ticks', '#mid-price', '#number-ofi'].map((each) => {
      const { left, top, height } = document.querySelector(each).getBoundingClientRect(); return [left, top, height].map(Math.round); })"""
    await page.frames(2)  # the price of tests before may have moved within the last second
    live = await page.do(boxes)
    assert await page.text("stream-state") == ""
    await page.do(WATCH_HEADER)
    await page.page.click("#follow")
    await page.until(f"/^HELD, 1?\\d s behind$/.test({STATE})")
    assert await page.do(boxes) == live
    assert (
        await page.do("getComputedStyle(document.getElementById('state')).backgroundColor")
        == "rgb(242, 183, 46)"
    )
    assert await page.text("stream-state") == "● live"
    assert (await page.text("follow")).startswith("▶")
    assert re.fullmatch(r"at \d\d:\d\d:\d\d\.\d", await page.text("numbers-at"))
    row = await page.do(
        "(at) => window.liquidity.page.known.seconds.find(({ row }) => row.timestamp >= at).row",
        await page.do("window.liquidity.page.pointer.pastAt"),
    )
    assert await page.text("number-ofi") == f"{row['ofi_best']:+.2f}"
    assert await page.text("mid-price") == f"{row['mid_price']:,.2f}"
    for name in ("update-rate", "latency"):
        says = f"getComputedStyle(document.querySelector('.number-{name} .label'), '::after').content"
        assert await page.do(says) == '" now"'
    assert await page.do("window.liquidity.page.map.scene.isHeld")
    await page.frames(2)
    assert await page.do("window.behindOfNow.seen") == []
    await page.page.click("#state")
    await page.until(f"{STATE} === 'LIVE'")
    assert await page.text("follow") == "❚❚"
    assert await page.do(boxes) == live


@pytest.mark.parametrize("how", ["key", "row"])
async def test_a_held_view_goes_on_showing_what_it_showed(page: Watched, how: str) -> None:
    """Its detections, colours, strips and traded volume, while the market goes on: none changes under the hand."""
    shown = """(() => {
      const { map, known } = window.liquidity.page;
      const rows = [...document.querySelectorAll("#detections-rows li")].map(({ dataset: { id } }) => id);
      return { rows, legend: document.getElementById("legend-range").textContent, scale: map.shownScale.shown,
        traded: map.shapes.column.rows.map(({ bought, sold }) => [bought, sold]), most: map.shapes.mostTraded,
        strips: map.view.heldAt < Infinity ? [map.shapes.strips, map.shapes.vwap] : [], end: known.end };
    })()"""
    if how == "key":
        await page.page.keyboard.press(" ")
    else:
        await page.page.click("#detections-rows li button")
    await page.until("!window.liquidity.page.map.view.following")
    await page.frames(1)
    await page.until(SETTLED)
    held = await page.do(shown)
    await page.frames(6)
    after = await page.do(shown)
    assert after.pop("end") > held.pop("end")
    assert set(held.pop("rows")) <= set(after.pop("rows"))
    assert after == held
    if how == "key":
        delta, vwap = await page.do(
            """(() => {
              const { map: { shapes: { totals, strips, vwap }, view } } = window.liquidity.page;
              const last = totals.findLast(({ time }) => time <= view.heldAt);
              return [[last.delta, strips.delta.last], [last.vwap, vwap]];
            })()"""
        )
        assert delta[0] == delta[1]
        assert vwap[0] == vwap[1]


async def header_height(page: Watched, says: str) -> int:
    """Return how high (px) the header is when state and reason are first as the pattern has them."""
    for _ in range(round(20 * PATIENCE)):
        said, height = await page.do(
            """() => [`${document.getElementById("state").textContent}: ${document.getElementById("reason").textContent}`,
              document.querySelector("header").offsetHeight]"""
        )
        if re.fullmatch(says, said):
            return int(height)
        await page.page.wait_for_timeout(50)
    raise AssertionError(f"the header says {said!r}")


@pytest.mark.parametrize("width", [1000, 390])
async def test_holding_moves_nothing_on_small_pages(browser: Browser, port: int, width: int) -> None:
    """The header is as high held as live, whatever the badge says."""
    async with open_page(browser, port, size=(width, 844)) as small:
        await small.live()
        live = await header_height(small, r"LIVE: no trades.*")  # none come: held or not, a line says so
        await small.page.click("#follow")
        assert await header_height(small, r"HELD, [1-9]\d* s behind: no trades.*") == live
        assert await small.do("document.documentElement.scrollWidth") <= width


async def test_a_held_view_of_a_stream_that_stops_says_both(page: Watched, api: FakeApi) -> None:
    """The stream's state takes the badge, and the view is still said to be held."""
    await page.page.keyboard.press(" ")
    try:
        api.mood = "stale"
        await page.until(f"{STATE} === 'STALE'")
        assert await page.text("stream-state") == "held"
    finally:
        api.mood = "live"
    await page.until(f"{STATE}.startsWith('HELD')")


# --- the surface ------------------------------------------------------------------------------------------

CAMERA = "JSON.stringify(document.getElementById('surface')._fullLayout.scene._scene.getCamera())"


@pytest.mark.parametrize("reset", ["double click", "key"])
async def test_the_surface_stays_whole_and_comes_back(page: Watched, reset: str) -> None:
    """However it is pulled and zoomed it is seen from above, and a double click or f shows it as at first."""
    await page.until(
        "document.querySelector('#surface canvas') !== null && window.liquidity.page.surface.made"
    )
    x, y = await middle(page, "#surface-hand")
    first = await page.do(CAMERA)
    for down in (-400, 400):
        await page.page.mouse.move(x, y)
        await page.page.mouse.down()
        await page.page.mouse.move(x + 50, y + down, steps=4)
        await page.page.mouse.up()
        await page.page.mouse.move(x, y)
        await page.page.mouse.wheel(0, -4000)
        await page.until(f"(first) => {CAMERA} !== first", first)
        camera = await page.do(f"JSON.parse({CAMERA})")
        assert camera["eye"]["z"] > camera["center"]["z"] + 0.1
        assert camera["eye"]["z"] > -0.2
        assert sum((camera["eye"][axis] - camera["center"][axis]) ** 2 for axis in "xyz") > 1.5**2
    if reset == "key":
        await page.page.keyboard.press("f")
    else:
        await page.page.mouse.dblclick(x, y)
    await page.until(f"(first) => {CAMERA} === first", first)


async def test_the_surface_is_turned_by_keys(page: Watched) -> None:
    """With the focus on it the arrows turn it, and the map stays where it is."""
    await page.until("window.liquidity.page.surface.made")
    first = await page.do(CAMERA)
    await page.page.focus("#surface-hand")
    await page.page.keyboard.press("ArrowLeft")
    await page.until(f"(first) => {CAMERA} !== first", first)
    assert await page.do(FOLLOWS)


# --- a phone ----------------------------------------------------------------------------------------------


@pytest_asyncio.fixture(loop_scope="module")
async def phone(browser: Browser, port: int) -> AsyncIterator[tuple[Watched, CDPSession]]:
    """Open the page on a phone; its console must be silent."""
    async with open_page(browser, port, size=PHONE, touch=True) as watched:
        await watched.live()
        await watched.until(SETTLED)
        yield watched, await watched.context.new_cdp_session(watched.page)
        assert watched.complaints == []


async def touch(cdp: CDPSession, kind: str, *points: tuple[float, float]) -> None:
    """Have fingers touch the screen at these places."""
    await cdp.send(
        "Input.dispatchTouchEvent",
        {"type": kind, "touchPoints": [{"x": x, "y": y, "id": at} for at, (x, y) in enumerate(points)]},
    )


async def swipe(cdp: CDPSession, *places: tuple[float, float]) -> None:
    """Draw a finger over the screen, with no pause that a busy machine would take for a finger that rests."""
    kinds = ["touchStart", *["touchMove"] * (len(places) - 1)]
    await asyncio.gather(*(touch(cdp, kind, at) for kind, at in zip(kinds, places, strict=True)))
    await touch(cdp, "touchEnd")


async def test_a_tap_reads_the_map_and_another_place_ends_it(phone: tuple[Watched, CDPSession]) -> None:
    """The readout stays after the finger is gone."""
    page, _ = phone
    await page.page.touchscreen.tap(*await place(page, "map", 0.6))
    await page.until(f"!{TIP}.hidden && {CROSS}")
    await page.frames(1)
    assert re.search(r"\d\d:\d\d:\d\d\.\d", await page.text("map-tooltip"))
    assert await page.do(FOLLOWS)
    box = await page.do(f"{TIP}.getBoundingClientRect().toJSON()")
    assert box["left"] >= 0
    assert box["right"] <= PHONE[0]
    await page.page.touchscreen.tap(*await middle(page, "#mid-price"))
    await page.until(f"{TIP}.hidden && !{CROSS}")


async def test_a_finger_that_rests_reads_and_moves_the_crosshair(phone: tuple[Watched, CDPSession]) -> None:
    """The picture stays where it is meanwhile."""
    page, cdp = phone
    x, y = await place(page, "map", 0.7)
    await touch(cdp, "touchStart", (x, y))
    await page.until(f"!{TIP}.hidden")
    before = await page.do("window.liquidity.page.pointer.at.x")
    for step in range(1, 6):
        await touch(cdp, "touchMove", (x - 20 * step, y - 4 * step))
    await page.until("(before) => window.liquidity.page.pointer.at.x < before - 60", before)
    await touch(cdp, "touchEnd")
    assert await page.do(FOLLOWS)
    assert await page.do("window.scrollY") == 0
    assert await page.do(f"!{TIP}.hidden")


async def test_a_swipe_up_on_the_map_scrolls_the_page(phone: tuple[Watched, CDPSession]) -> None:
    """And moves nothing on the map, which goes on following."""
    page, cdp = phone
    x, y = await place(page, "map", 0.5, 0.8)
    prices = await page.do(f"(({{ low, high }}) => [low, high])({RANGE})")
    await swipe(cdp, *((x, y - 20 * step) for step in range(12)))
    await page.until("window.scrollY > 100")
    assert await page.do(FOLLOWS)
    assert await page.do(f"(({{ low, high }}) => [low, high])({RANGE})") == prices


async def test_a_swipe_along_moves_time_and_one_on_the_axis_prices(phone: tuple[Watched, CDPSession]) -> None:
    """The page itself stays where it is."""
    page, cdp = phone
    await page.do(
        """() => { const { view, limits } = window.liquidity.page.map;
        view.span = 60_000;
        view.zoomPrice(0.4, 60_000.3, limits); }"""
    )
    await page.frames(1)
    x, y = await place(page, "map", 0.3)
    before = await page.do(RANGE)
    await swipe(cdp, *((x + 12 * step, y) for step in range(10)))
    await page.until(f"{STATE}.startsWith('HELD')")
    after = await page.do(RANGE)
    assert after["to"] < before["to"]
    assert [after["low"], after["high"]] == [before["low"], before["high"]]
    x, y = await place(page, "prices", 0.5, 0.5)
    await swipe(cdp, *((x, y + 10 * step) for step in range(6)))
    await page.until(f"(low) => {RANGE}.low > low", after["low"])
    assert (await page.do(RANGE))["high"] - (await page.do(RANGE))["low"] == pytest.approx(
        after["high"] - after["low"]
    )
    assert await page.do("window.scrollY") == 0


async def test_two_fingers_zoom(phone: tuple[Watched, CDPSession]) -> None:
    """Apart for less time and fewer prices."""
    page, cdp = phone
    before = await page.do(RANGE)
    x, y = await place(page, "map", 0.5, 0.5)
    await touch(cdp, "touchStart", (x - 20, y - 20), (x + 20, y + 20))
    for step in range(1, 8):
        await touch(
            cdp, "touchMove", (x - 20 - 8 * step, y - 20 - 8 * step), (x + 20 + 8 * step, y + 20 + 8 * step)
        )
    await touch(cdp, "touchEnd")
    await page.until(SETTLED)
    after = await page.do(RANGE)
    assert after["to"] - after["from"] < 0.6 * (before["to"] - before["from"])
    assert after["high"] - after["low"] < 0.6 * (before["high"] - before["low"])
    assert await page.do("window.scrollY") == 0


# --- times ------------------------------------------------------------------------------------------------


async def test_where_local_time_is_utc_it_is_said_once(browser: Browser, port: int) -> None:
    """The readout has one time of day."""
    async with open_page(browser, port, timezone="UTC") as page:
        await page.live()
        await page.page.mouse.move(*await place(page, "map", 0.6))
        await page.until(f"!{TIP}.hidden")
        first = await page.do(f"{TIP}.firstElementChild.textContent")
        assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d UTC", first)
