"""The page in a real browser, on the real program and the simulated exchange."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import psutil
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.dashboard.browser import NONE, NOTEBOOK, Watched, chromium, chromium_path, open_page
from tests.dashboard.fake_api import SYMBOLS
from tests.dashboard.heatmap import Rows, percentile_range, read_heatmap
from tests.program import PATIENCE, Frame, Program, listening, order_answered

pytestmark = pytest.mark.asyncio(loop_scope="module")

STEPS = ("x1", "x10", "x50", "x100")
MOST_CONTEXTS = 8
"""Browsers drop the oldest WebGL context once some 8 to 16 are in use."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def program() -> AsyncIterator[Program]:
    """Run one program for all tests; its books may be quiet for as long as a busy machine is."""
    chromium_path()
    async with Program(source="simulated", stale_after=20, depth_silence=30) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Run one browser for all tests."""
    async with chromium() as running:
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
    await one_page.page.click(f"#symbol-{SYMBOLS[0]}")
    await one_page.page.click("#step-auto")
    await one_page.page.click("#follow")
    await one_page.live(SYMBOLS[0])
    one_page.complaints.clear()
    yield one_page
    assert one_page.complaints == []


class Recorder:
    """A client of its own that hears what the page hears."""

    def __init__(self) -> None:
        self.rows: Rows = {}
        self._grown = asyncio.Condition()

    async def listen(self, program: Program, symbol: str) -> None:
        """Take frames until cancelled."""
        async with listening(program.url(symbol, "?ladders=1")) as connection:
            async for text in connection:
                frame: Frame = json.loads(text)
                async with self._grown:
                    for row in frame.get("history", ()):
                        self.rows[row["timestamp"] // 1000] = row
                    self.rows[frame["timestamp"] // 1000] = frame
                    self._grown.notify_all()

    async def until(self, second: int) -> None:
        """Wait for the frame of this second."""
        async with asyncio.timeout(PATIENCE), self._grown:
            await self._grown.wait_for(lambda: second in self.rows)


@contextlib.asynccontextmanager
async def recording(program: Program, symbol: str = SYMBOLS[0]) -> AsyncIterator[Recorder]:
    """Listen to a symbol beside the page."""
    recorder = Recorder()
    task = asyncio.create_task(recorder.listen(program, symbol))
    try:
        yield recorder
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def middle(page: Watched, across: float = 0.8) -> tuple[float, float]:
    """Return a place in the heatmap, in pixels of the page, at the price of the mid or close to it."""
    x, y = await page.do(
        """(across) => {
          const { map, store } = window.liquidity.page;
          const box = map.gd.getBoundingClientRect();
          const { xaxis, yaxis } = map.gd._fullLayout;
          const mid = yaxis.l2p(store.window().findLast((row) => row?.mid_price).mid_price);
          const down = Math.max(40, Math.min(yaxis._length - 40, mid));
          return [box.left + xaxis._offset + across * xaxis._length, box.top + yaxis._offset + down];
        }""",
        across,
    )
    return float(x), float(y)


async def zoom_in(page: Watched, clicks: int, across: float = 0.97) -> None:
    """Turn the wheel over the heatmap, near its newest seconds, and wait until the axes have moved."""
    await page.do(
        """() => {
          if (!("wheels" in window)) {
            window.addEventListener("wheel", () => { window.wheels += 1; }, { capture: true, passive: true });
          }
          window.wheels = 0;
        }"""
    )
    await page.page.mouse.move(*await middle(page, across))
    for _ in range(clicks):
        await page.page.mouse.wheel(0, -240)
    await page.until(
        """(clicks) => {
          const { map } = window.liquidity.page;
          return window.wheels >= clicks && !map.gd._dragging && !map.following;
        }""",
        clicks,
    )


async def show(page: Watched, seconds: int) -> None:
    """Show the newest seconds, and about half as many groups around the mid."""
    await page.do(
        """async (seconds) => {
          const { map, store, stepIndex } = window.liquidity.page;
          const row = store.window().findLast((one) => one?.ladders);
          const reach = seconds / 4 * row.ladders[stepIndex].step;
          const end = store.newest - map.zero + 1.3;
          await window.Plotly.relayout(map.gd, {
            "xaxis.range": [end - seconds, end], "yaxis.range": [row.mid_price - reach, row.mid_price + reach],
          });
        }""",
        seconds,
    )


async def view(page: Watched) -> dict[str, float]:
    """Return what the heatmap shows: `from` and `to` in seconds since the epoch, `low` and `high` in USDT."""
    shown: dict[str, float] = await page.do("window.liquidity.page.map.view()")
    return shown


# --- what is drawn ----------------------------------------------------------------------------------------


async def test_every_chart_is_drawn(page: Watched) -> None:
    """Heatmap, book, strips and surface show data, all but the legend in WebGL."""
    await page.until("window.liquidity.page.store.rows.size >= 2 && window.liquidity.page.surface.made")
    drawn = await page.do(
        """() => {
          const { map, surface } = window.liquidity.page;
          return {
            shapes: Object.fromEntries(Array.from(map.shapes.shapes, ([name, { count }]) => [name, count])),
            axes: Array.from(map.gd.querySelectorAll(".xtick, .ytick, .x2tick, .y2tick, .y3tick, .y4tick, .y5tick"),
              (tick) => tick.classList[0]),
            points: map.gd._fullData.flatMap((trace) => Array.from(trace.y)).length,
            surface: surface.gd._fullData[0].z.flat().filter((value) => value !== null).length,
            flat: Array.from(document.querySelectorAll("canvas"))
              .filter((canvas) => !window.webglCanvases.has(canvas) && !canvas.matches(".gl-canvas-pick"))
              .map((canvas) => canvas.id),
            layer: map.canvas.gl instanceof WebGL2RenderingContext,
          };
        }"""
    )
    assert drawn["layer"]
    assert drawn["points"] == 0  # Plotly draws none of it
    assert set(drawn["axes"]) == {"ytick", "x2tick", "y2tick", "y3tick", "y4tick", "y5tick"}
    assert drawn["flat"] == ["legend"]
    assert drawn["surface"] >= 20
    assert len(drawn["shapes"]) - ("order" in drawn["shapes"]) == 15
    empty = {name for name, count in drawn["shapes"].items() if not count}
    assert empty <= {"detections", "detection lines", "bought", "sold", "order"}
    heatmap = await read_heatmap(page, 20_000)
    assert len({pixel[2:] for pixel in heatmap.pixels}) > 10


SURFACE_IS_DUE = """() => {
  const { page, surfaceOf } = window.liquidity;
  const { gd } = page.surface;
  const drawn = gd._fullLayout?.scene._scene.traces[gd._fullData[0].uid].data.z;
  const { z } = surfaceOf(page.store.window(), page.stepIndex, page.map.layer.range, page.logarithmic);
  return [drawn, gd.data?.[0].z].every((sizes) => JSON.stringify(sizes) === JSON.stringify(z));
}"""
"""Whether the surface on screen, and what Plotly would draw it from anew, are of the newest second."""


async def test_the_surface_follows_the_window(page: Watched) -> None:
    """Every second it is drawn from the window, and still is after a change of theme and of the page's size."""
    scene = page.page.locator("#surface")
    await page.until(SURFACE_IS_DUE)
    before = await scene.screenshot()
    await page.frames(2)
    await page.until(SURFACE_IS_DUE)
    assert await scene.screenshot() != before
    for width, height in ((1500, 800), NOTEBOOK):
        await page.page.click("#theme")
        await page.page.set_viewport_size({"width": width, "height": height})
        await page.frames(1)
        await page.until(SURFACE_IS_DUE)


async def test_the_simulated_exchange_is_named_where_nobody_can_miss_it(page: Watched) -> None:
    """The header says SIMULATED and LIVE, and every number is there."""
    assert await page.page.is_visible("#source")
    assert await page.text("source") == "SIMULATED"
    assert await page.text("state") == "LIVE"
    assert not await page.page.is_visible("#veil")
    numbers = await page.page.eval_on_selector_all(
        "#mid-price, header .value", "(found) => found.map((element) => element.textContent)"
    )
    assert len(numbers) >= 7
    assert NONE not in numbers


async def test_the_page_holds_the_rows_that_another_client_hears(page: Watched, program: Program) -> None:
    """Every second's ladders in the page equal those of a client of its own, to the digit."""
    async with recording(program) as recorder:
        await page.frames(2)
        rows = await page.do("Array.from(window.liquidity.page.store.rows.values())")
        await recorder.until(max(row["timestamp"] for row in rows) // 1000)
    assert len(rows) >= 3
    for row in rows:
        mine = recorder.rows[row["timestamp"] // 1000]
        assert {key: mine[key] for key in row} == row


async def test_each_cell_has_the_colour_of_its_size(page: Watched, program: Program) -> None:
    """At every step, at three zooms and in both themes, pixels inside a cell have the colour of its frame."""
    coloured = blank = 0
    async with recording(program) as recorder:
        for step in STEPS:
            await page.page.click(f"#step-{step}")
            await page.until(
                "(index) => window.liquidity.page.stepIndex === index && window.liquidity.page.map.following",
                STEPS.index(step),
            )
            for zoom in (0, 30, 8):
                if zoom:
                    await show(page, zoom)
                heatmap = await read_heatmap(page, seed=zoom)
                await recorder.until(heatmap.facts["newest"])
                heatmap.compare(recorder.rows)
                assert heatmap.facts["step"] == STEPS.index(step)
                assert heatmap.wrong == []
                coloured += heatmap.coloured
                blank += heatmap.blank
                if zoom == 0:
                    expected = percentile_range(recorder.rows, heatmap, (20, 99))
                    assert heatmap.facts["scale"][:2] == pytest.approx(expected)
            await page.page.click("#theme")
            await page.page.click("#follow")
    assert coloured > 500
    assert blank > 500


# --- once a second ----------------------------------------------------------------------------------------


async def test_there_is_one_drawing_a_frame_and_no_frame_is_lost(page: Watched) -> None:
    """Over six seconds each frame is taken once and drawn once, and none is missed."""
    await page.do(
        """() => {
          const { page } = window.liquidity;
          window.counted = { draws: 0, seconds: [] };
          const [draw, apply] = [page.draw, page.store.apply];
          page.draw = function counting(...all) { window.counted.draws += 1; return draw.apply(this, all); };
          page.store.apply = function counting(frame) {
            window.counted.seconds.push(frame.timestamp / 1000);
            return apply.call(this, frame);
          };
        }"""
    )
    await page.frames(6)
    counted = await page.do(
        """() => {
          const { page } = window.liquidity;
          delete page.draw;
          delete page.store.apply;
          return { ...window.counted, missed: page.store.missed };
        }"""
    )
    first, last = counted["seconds"][0], counted["seconds"][-1]
    assert counted["seconds"] == list(range(first, last + 1))
    assert counted["draws"] == len(counted["seconds"]) >= 6
    assert counted["missed"] == 0


# --- what a person does -----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["button", "key"])
async def test_another_symbol_takes_the_place_of_the_first(page: Watched, program: Program, how: str) -> None:
    """Without loading anew the page shows the other market, and nothing is left of the first."""
    await page.do("window.notReloaded = true")
    first_mid = await page.do("window.liquidity.page.store.frame.mid_price")
    with page.reconnecting():
        if how == "button":
            await page.page.click(f"#symbol-{SYMBOLS[1]}")
        else:
            await page.page.keyboard.press("2")
        await page.live(SYMBOLS[1])
    assert await page.do("window.notReloaded")
    assert await page.pressed(f"symbol-{SYMBOLS[1]}")
    assert not await page.pressed(f"symbol-{SYMBOLS[0]}")
    await page.until(  # a frame is drawn with the browser's next picture
        """() => Math.abs(Number(document.getElementById("mid-price").textContent.replaceAll(",", ""))
          - window.liquidity.page.store.frame.mid_price) < 0.01"""
    )
    shown = await page.do(
        """() => {
          const { store, map } = window.liquidity.page;
          return {
            mid: store.frame.mid_price, text: document.getElementById("mid-price").textContent,
            mids: Array.from(store.rows.values(), (row) => row.mid_price).filter((mid) => mid !== null),
            cells: Array.from(map.cells.values(), (cells) => cells.mid),
            lines: [map.shapes.shapes.get("best bid").base[1], map.shapes.shapes.get("mid").base[1]],
            range: map.gd._fullLayout.yaxis.range, title: document.title,
          };
        }"""
    )
    assert float(shown["text"].replace(",", "")) == pytest.approx(shown["mid"], abs=0.01)
    assert SYMBOLS[1] in shown["title"]
    values = [*shown["mids"], *shown["cells"], *shown["lines"], *shown["range"]]
    assert len(values) > 5
    assert all(abs(value - first_mid) > abs(value - shown["mid"]) for value in values)
    async with recording(program, SYMBOLS[1]) as recorder:
        heatmap = await read_heatmap(page)
        await recorder.until(heatmap.facts["newest"])
    heatmap.compare(recorder.rows)
    assert heatmap.wrong == []
    assert heatmap.coloured
    await page.until("window.liquidity.page.surface.gd.style.visibility === ''")
    with page.reconnecting():
        at_once = await page.do(
            """(symbol) => {
              const { page } = window.liquidity;
              page.chooseSymbol(symbol);
              const texts = ["detections-rows", "legend-range", "step-shown"];
              return [
                page.map.cells.size, page.drawnSecond, page.surface.gd.style.visibility,
                ...texts.map((id) => document.getElementById(id).innerText),
              ];
            }""",
            SYMBOLS[0],
        )
        assert at_once == [0, None, "hidden", "", "", ""]
        await page.live(SYMBOLS[0])
    assert await page.pressed(f"symbol-{SYMBOLS[0]}")


async def test_what_a_person_zoomed_to_stays_until_they_follow_again(page: Watched, program: Program) -> None:
    """A turn of the wheel ends following, updates leave the view alone, a double click follows again."""
    assert await page.pressed("follow")
    await zoom_in(page, 5)
    await page.until("!window.liquidity.page.map.following")
    assert not await page.pressed("follow")
    zoomed = await view(page)
    assert zoomed["to"] - zoomed["from"] < 150
    await page.frames(2)
    assert await view(page) == pytest.approx(zoomed)
    async with recording(program) as recorder:
        heatmap = await read_heatmap(page)
        await recorder.until(heatmap.facts["newest"])
    heatmap.compare(recorder.rows)
    assert heatmap.wrong == []
    await page.page.mouse.dblclick(*await middle(page, 0.5))
    await page.until("window.liquidity.page.map.following")
    assert await page.pressed("follow")
    await page.frames(1)
    following = await page.do(
        "({ newest: window.liquidity.page.map.end, ...window.liquidity.page.map.view() })"
    )
    assert following["newest"] <= following["to"] <= following["newest"] + 5
    assert following["from"] == following["newest"] - 180


async def test_a_drag_moves_the_view_and_the_key_f_follows_again(page: Watched) -> None:
    """Dragging pans time and price by what the pointer moved, and stays; f follows again."""
    before = await view(page)
    x, y = await middle(page, 0.5)
    await page.page.mouse.move(x, y)
    await page.page.mouse.down()
    await page.page.mouse.move(x + 60, y + 30, steps=4)
    await page.page.mouse.up()
    await page.until("!window.liquidity.page.map.following")
    moved = await view(page)
    assert moved["from"] < before["from"]
    assert moved["high"] > before["high"]
    assert moved["to"] - moved["from"] == pytest.approx(before["to"] - before["from"])
    await page.frames(2)
    assert await view(page) == pytest.approx(moved)
    await page.page.keyboard.press("f")
    await page.until("window.liquidity.page.map.following")


async def test_a_step_regroups_the_whole_window(page: Watched) -> None:
    """Each button shows every second of the window at its step, and says so."""
    for index, step in enumerate(STEPS):
        await page.page.click(f"#step-{step}")
        await page.until("(index) => window.liquidity.page.stepIndex === index", index)
        grouped = await page.do(
            """(index) => {
              const { map } = window.liquidity.page;
              const live = map.rows.filter((row) => row?.status === "live");
              return {
                live: live.length, cells: map.cells.size, wanted: live[live.length - 1].ladders[index].step,
                steps: Array.from(new Set(Array.from(map.cells.values(), (cells) => cells.step))),
              };
            }""",
            index,
        )
        assert grouped["cells"] == grouped["live"] > 0
        assert grouped["steps"] == [pytest.approx(grouped["wanted"])]
        assert f"{grouped['wanted']:g}" in await page.text("step-shown")
        assert [name for name in ("auto", *STEPS) if await page.pressed(f"step-{name}")] == [step]


@pytest.mark.parametrize("side", ["buy", "sell"])
async def test_an_order_costs_what_the_api_says(page: Watched, program: Program, side: str) -> None:
    """Figures and box are those of another client's question that was answered by the same book."""
    answers: dict[int, dict[str, Any]] = {}
    with page.refused():  # a busy machine's book is not confirmed in time
        await page.page.click(f"#impact-{side}")
        await page.page.fill("#impact-size", "7.5")
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = await order_answered(program.order(SYMBOLS[0], side, 7.5))
                answers[answer["last_update_id"]] = answer
                shown = await page.do(
                    """() => {
                      const { map } = window.liquidity.page;
                      return {
                        order: map.order, boxes: map.shapes.shapes.get("order")?.count,
                        figures: Array.from(document.querySelectorAll("#impact-figures dd"), (one) => one.textContent),
                        note: document.getElementById("impact-note").textContent,
                      };
                    }"""
                )
                if (
                    shown["order"]
                    and shown["order"]["side"] == side
                    and shown["order"]["last_update_id"] in answers
                ):
                    break
        await page.page.fill("#impact-size", "")
        await page.until("!document.getElementById('impact-figures').children.length")
    wanted = answers[shown["order"]["last_update_id"]]
    assert {**shown["order"], "age_ms": None} == {**wanted, "age_ms": None}
    assert shown["boxes"] == 1
    levels = f"{wanted['levels_consumed']} level{'s' * (wanted['levels_consumed'] > 1)}"
    average, slippage, eats = shown["figures"]
    assert float(average.replace(",", "")) == pytest.approx(wanted["avg_price"], abs=1e-3)
    numbers = [float(number) for number in re.findall(r"[-+][\d.]+", slippage)]
    assert numbers == pytest.approx([wanted["slippage"], wanted["slippage_bps"]], abs=1e-2)
    assert eats == f"{levels}, to {wanted['worst_price']:,.1f}"
    assert bool(shown["note"]) is not wanted["complete"]


async def test_the_health_panel_names_every_process(page: Watched) -> None:
    """The key opens it with the newest frame's health and the program's own processes, and closes it again."""
    with page.refused():  # while a busy machine's symbol is not live
        await page.do("document.activeElement.blur()")
        await page.page.keyboard.press("h")
        roles = ["supervisor", "exchange", *(f"engine {symbol}" for symbol in SYMBOLS), "api", "dashboard"]
        await page.until(
            """(wanted) => {
              const names = Array.from(document.querySelectorAll("#health-lines dt"), (one) => one.textContent);
              return wanted.every((name) => names.includes(name));
            }""",
            ["depth", "trades", "latency", "clock", "updates", "book", "audits", "covered", *roles],
        )
        assert not re.search("NaN|undefined|null", await page.text("health-lines"))
        await page.page.keyboard.press("h")
        await page.until("!document.getElementById('health-panel').checkVisibility()")


async def test_cut_offs_and_the_logarithm_change_the_colours(page: Watched, program: Program) -> None:
    """Other percentiles give the layer another range, and the log button another scale."""
    cut_offs = "window.liquidity.page.map.cutOffs.slice()"
    low, high = await page.do(cut_offs)
    thumb = page.page.locator("#map-controls [role=slider]").first
    for _ in range(5):
        await thumb.press("ArrowRight")
    await page.until("(low) => window.liquidity.page.map.cutOffs[0] === low + 5", low)
    await page.page.click("#logarithmic")
    await page.until("!window.liquidity.page.map.layer.logarithmic")
    assert not await page.pressed("logarithmic")
    async with recording(program) as recorder:
        heatmap = await read_heatmap(page)
        await recorder.until(heatmap.facts["newest"])
    heatmap.compare(recorder.rows)
    assert heatmap.wrong == []
    assert heatmap.coloured
    assert heatmap.facts["scale"][2] is False
    assert heatmap.facts["scale"][:2] == pytest.approx(
        percentile_range(recorder.rows, heatmap, (low + 5, high))
    )
    for _ in range(5):
        await thumb.press("ArrowLeft")
    await page.until("(low) => window.liquidity.page.map.cutOffs[0] === low", low)
    await page.page.click("#logarithmic")
    await page.until("window.liquidity.page.map.layer.logarithmic")
    assert await page.pressed("logarithmic")


async def test_every_button_is_reached_by_tab_and_says_what_it_does(page: Watched) -> None:
    """Tab comes by every button, each has a name, and Enter presses it."""
    await page.do("document.activeElement.blur()")
    wanted = await page.page.eval_on_selector_all("button", "(found) => found.map((one) => one.id)")
    reached = []
    for _ in range(4 * len(wanted)):
        await page.page.keyboard.press("Tab")
        reached.append(await page.do("document.activeElement.id"))
    assert set(wanted) - set(reached) == set()
    unnamed = await page.page.eval_on_selector_all(
        "button", "(found) => found.filter((one) => !one.textContent && !one.ariaLabel).map((one) => one.id)"
    )
    assert unnamed == []
    await page.page.focus("#step-x50")
    await page.page.keyboard.press("Enter")
    await page.until("document.getElementById('step-x50').getAttribute('aria-pressed') === 'true'")
    assert not await page.pressed("step-auto")


async def test_contexts_of_webgl_do_not_grow(page: Watched) -> None:
    """Over updates and switches of theme, step and symbol no WebGL context is added, and few are in use."""
    await page.frames(1)
    before = await page.do("window.webglCanvases.size")
    with page.reconnecting():
        for name in (SYMBOLS[1], SYMBOLS[0]):
            await page.page.click(f"#symbol-{name}")
            await page.live(name)
            await page.page.click("#theme")
            await page.page.click("#step-x50")
    await page.frames(2)
    assert 2 <= await page.do("window.webglCanvases.size") == before <= MOST_CONTEXTS


async def test_the_theme_is_toggled_and_kept(page: Watched) -> None:
    """The button changes page, figures and cells to the other theme, which survives a reload."""
    look = """() => ({
      theme: document.documentElement.dataset.theme,
      back: getComputedStyle(document.body).backgroundColor,
      table: window.liquidity.page.map.layer.table.slice(0, 4).join(),
      line: window.liquidity.page.map.looks[0][2].fill.join(),
      grid: window.liquidity.page.map.gd._fullLayout.yaxis.gridcolor,
    })"""
    before = await page.do(look)
    await page.page.click("#theme")
    await page.until("(theme) => document.documentElement.dataset.theme !== theme", before["theme"])
    after = await page.do(look)
    assert all(before[part] != after[part] for part in before)
    with page.reconnecting():
        await page.page.reload()
        await page.live()
    assert await page.do(look) == after
    await page.page.keyboard.press("t")
    await page.until("(theme) => document.documentElement.dataset.theme === theme", before["theme"])
    assert await page.do(look) == before


async def test_a_killed_api_is_seen_and_come_back_to(page: Watched, program: Program) -> None:
    """While the API is down the page says DISCONNECTED and shows no number; then it is live by itself."""
    if program.process is None:
        raise RuntimeError("not started")
    children = psutil.Process(program.process.pid).children(recursive=True)
    (api,) = [child for child in children if child.environ().get("ROLE") == "api"]
    with page.reconnecting():
        api.suspend()  # so that the page has the time to see it, however fast a new one is there
        await page.until("document.getElementById('state').textContent === 'DISCONNECTED'")
        assert await page.text("mid-price") == NONE
        assert await page.page.is_visible("#veil")
        api.kill()
        await page.live(SYMBOLS[0])
    assert not await page.page.is_visible("#veil")
    assert await page.text("mid-price") != NONE
