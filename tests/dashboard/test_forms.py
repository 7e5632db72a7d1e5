"""What the page asks of the API beside its frames: what an order would cost, and how the program is doing."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from state.frames import StreamHealth
from tests.api.serving import a_health
from tests.dashboard.browser import NOTEBOOK, Watched, chromium, open_page
from tests.dashboard.fake_api import SYMBOLS, FakeApi, Question, Reply, served_page
from tests.program import PATIENCE, Program

pytestmark = pytest.mark.asyncio(loop_scope="module")

SYMBOL, OTHER = SYMBOLS
NO_ANSWER = "The API does not answer."
HTML = "<img src=x onerror=alert(1)> & more"
SHOWN = "document.querySelectorAll('#impact-figures dd').length === 4"
BOXES = "window.liquidity.page.map.layer.shapes.get('order')?.count ?? 0"
GONE = f"!document.getElementById('impact-figures').children.length && ({BOXES}) === 0"
LINES = """Array.from(document.querySelectorAll('#health-lines dt'),
  (name) => [name.textContent, name.nextElementSibling.textContent])"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api() -> AsyncIterator[FakeApi]:
    """Run one fake API for all tests."""
    async with FakeApi() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one_page(api: FakeApi) -> AsyncIterator[Watched]:
    """Open the page once."""
    async with chromium() as browser, served_page(api.port) as port, open_page(browser, port) as watched:
        await watched.live()
        yield watched


@pytest_asyncio.fixture(loop_scope="module")
async def page(one_page: Watched, api: FakeApi) -> AsyncIterator[Watched]:
    """Return the page with nothing typed and the panel closed; afterwards its console must have been silent."""
    api.mood, api.others, api.simulate, api.processes = "live", {}, api.order, []
    await one_page.page.fill("#impact-size", "")
    await one_page.page.click("#impact-buy")
    if await one_page.page.is_visible("#health-panel"):
        await one_page.page.click("#health")
    with one_page.reconnecting():
        if await one_page.do("window.liquidity.page.symbol") != SYMBOL:
            await one_page.page.click(f"#symbol-{SYMBOL}")
        await one_page.live(SYMBOL)
    await one_page.until(GONE)
    one_page.complaints.clear()
    yield one_page
    assert one_page.complaints == []


# --- market impact ----------------------------------------------------------------------------------------


class Held:
    """Keeps all answers to orders back until they are let go."""

    def __init__(self, api: FakeApi) -> None:
        self._api = api
        self._asked = asyncio.Event()
        self._let_go = asyncio.Event()

    async def __call__(self, question: Question) -> Reply:
        """Answer as soon as that is allowed."""
        self._asked.set()
        await self._let_go.wait()
        return await self._api.order(question)

    async def asked(self) -> None:
        """Wait for the first question."""
        await asyncio.wait_for(self._asked.wait(), PATIENCE)

    def let_go(self) -> None:
        """Give all answers from now on at once."""
        self._let_go.set()


@pytest.fixture
def held(api: FakeApi) -> Iterator[Held]:
    """Return what holds answers back; afterwards none is held any more."""
    one = Held(api)
    yield one
    one.let_go()


async def figures(page: Watched) -> list[str]:
    """Return what the form shows."""
    texts: list[str] = await page.page.locator("#impact-figures dd").all_text_contents()
    return texts


async def order_shown(page: Watched, size: str) -> None:
    """Type a size, and wait until its figures and its box are there."""
    await page.page.fill("#impact-size", size)
    await page.until(f"{SHOWN} && ({BOXES}) === 1")


@pytest.mark.parametrize(("side", "levels", "sign"), [("buy", "ask_levels", 1), ("sell", "bid_levels", -1)])
async def test_an_order_is_answered_and_drawn(
    page: Watched, api: FakeApi, side: str, levels: str, sign: int
) -> None:
    """Figures are those of the newest second's levels, and a box covers what the order takes of the book."""
    await page.page.click(f"#impact-{side}")
    await page.until(
        "(id) => document.getElementById(id).getAttribute('aria-pressed') === 'true'", f"impact-{side}"
    )
    frame = api.sent[SYMBOL][api.second]
    api.others = {name: frame[name] for name in ("mid_price", "bid_levels", "ask_levels")}
    await page.until("(mid) => window.liquidity.page.known.frame.mid_price === mid", frame["mid_price"])
    await page.frames(2)
    eaten = frame[levels][:5]
    size = round(sum(quantity for _, quantity in eaten), 8)
    average = sum(price * quantity for price, quantity in eaten) / size
    slippage = sign * (average - frame["mid_price"])
    await order_shown(page, f" {size} ")
    assert await figures(page) == [
        f"{average:,.3f}",
        f"{slippage:+.2f} USDT ({slippage / frame['mid_price'] * 10_000:+.2f} bp)",
        f"5 levels, to {eaten[-1][0]:,.1f}",
        f"{average * size:,.2f} USDT",
    ]
    assert await page.text("impact-note") == ""
    drawn = await page.do("window.liquidity.page.map.layer.shapes.get('order').base")
    assert drawn == [0, frame["mid_price"]]
    assert await page.do("window.liquidity.page.depth.order.filled") == size
    await page.page.fill("#impact-size", "")
    await page.until(GONE)
    assert await page.do("window.liquidity.page.depth.order") is None


async def test_each_second_has_an_answer_of_its_own(page: Watched) -> None:
    """Without a touch of the form the answers are of newer books, and more than the book has is told."""
    await order_shown(page, "100000.5")
    assert re.fullmatch(
        r"Only [\d.]+ of 100,000\.5 BTC: of the book no more is known\.", await page.text("impact-note")
    )
    before = await page.do("window.liquidity.page.orders.answer.last_update_id")
    await page.until("(before) => window.liquidity.page.orders.answer?.last_update_id >= before + 2", before)
    assert len(await figures(page)) == 4


@pytest.mark.parametrize(("status", "more"), [(422, {}), (503, {"status": "stale"})])
async def test_a_refusal_stands_in_place_of_the_figures(
    page: Watched, api: FakeApi, status: int, more: dict[str, str]
) -> None:
    """The API's reason is shown as the text that it is, without figures and box; and an answer ends it."""

    async def refuse(_: Question) -> Reply:
        return status, {**more, "reason": HTML}

    await order_shown(page, "0.5")
    with page.refused():
        api.simulate = refuse
        await page.until("(text) => document.getElementById('impact-note').textContent === text", HTML)
        await page.until(GONE)
        assert await page.page.locator("#impact-panel img").count() == 0
        api.simulate = api.order
        await page.until(f"{SHOWN} && ({BOXES}) === 1")
    assert await page.text("impact-note") == ""


async def test_keys_in_the_form_are_no_shortcuts(page: Watched) -> None:
    """Typing there changes neither symbol nor theme and opens nothing."""
    theme = await page.do("document.documentElement.dataset.theme")
    await page.page.locator("#impact-size").press_sequentially("2 & t=h")
    assert await page.do("document.getElementById('impact-size').value") == "2 & t=h"
    await page.page.fill("#impact-size", "")
    await page.until("document.getElementById('impact-note').textContent === ''")
    assert await page.do("window.liquidity.page.symbol") == SYMBOL
    assert await page.do("document.documentElement.dataset.theme") == theme
    assert not await page.page.is_visible("#health-panel")


@pytest.mark.parametrize("text", ["abc", "-1", "0", "1,5", "1 000", "Infinity", "0x10"])
async def test_what_is_no_size_is_told_and_never_asked(page: Watched, api: FakeApi, text: str) -> None:
    """One sentence says what to do, with the unit; the API hears nothing of it, and a number ends it."""
    asked: list[Question] = []

    async def answer(question: Question) -> Reply:
        asked.append(question)
        return await api.order(question)

    api.simulate = answer
    await page.page.fill("#impact-size", text)
    note = "Type how much BTC as a number above 0 without commas, such as 0.5."
    await page.until("(text) => document.getElementById('impact-note').textContent === text", note)
    assert await page.page.get_attribute("#impact-size", "aria-invalid") == "true"
    await page.frames(2)
    assert await page.text("impact-note") == note
    assert asked == []
    await order_shown(page, ".5")
    assert await page.page.get_attribute("#impact-size", "aria-invalid") == "false"
    assert {question["size"] for question in asked} == {".5"}


async def test_a_number_is_asked_for_once_it_is_typed(page: Watched, api: FakeApi) -> None:
    """Of the figures on the way to it none is asked for; the field says the unit, which is the symbol's."""
    asked: list[str] = []

    async def answer(question: Question) -> Reply:
        asked.append(question["size"])
        return await api.order(question)

    api.simulate = answer
    async with api.paused():
        await page.do(  # at once: between keys of a busy machine there is time to take one for the last
            """(text) => { const field = document.getElementById("impact-size");
            for (let end = 1; end <= text.length; end += 1) {
              field.value = text.slice(0, end);
              field.dispatchEvent(new Event("input", { bubbles: true }));
            } }""",
            "12.25",
        )
        await page.until(SHOWN)
        assert asked == ["12.25"]
    assert await page.text("impact-unit") == "BTC"
    with page.reconnecting():
        await page.page.click(f"#symbol-{OTHER}")
        await page.until("document.getElementById('impact-unit').textContent === 'ETH'")
        await page.live(OTHER)


async def test_a_size_may_be_in_usdt(page: Watched, api: FakeApi) -> None:
    """A press on the unit asks for as much as these pay for, and another goes back to the base asset."""
    await page.page.click("#impact-unit")
    assert await page.text("impact-unit") == "USDT"
    await order_shown(page, "25000")
    assert re.fullmatch(r"[\d.]+ BTC", (await figures(page))[3])
    assert await page.do("window.liquidity.page.orders.answer.quote_size") == 25000
    await page.page.fill("#impact-size", "much")
    note = "Type how much USDT as a number above 0 without commas, such as 25000."
    await page.until("(text) => document.getElementById('impact-note').textContent === text", note)
    await page.page.click("#impact-unit")
    assert await page.text("impact-unit") == "BTC"
    await order_shown(page, "0.5")
    assert (await figures(page))[3].endswith(" USDT")


async def test_the_curve_says_what_each_size_costs(page: Watched, api: FakeApi) -> None:
    """It is of the shown book for both sides; the order lies on it, and the pointer reads any size."""
    await order_shown(page, "0.5")
    await page.until("window.liquidity.page.cost.layer?.shapes.get('order')?.count === 1")
    x, y, width = await page.do(
        """() => { const { left, top, width, height } = document.getElementById("cost-texts").getBoundingClientRect();
        return [left, top + height / 2, width]; }"""
    )
    async with api.paused():
        await page.page.mouse.move(x + 0.3 * width, y)
        await page.until("window.liquidity.page.cost.lines.length === 4")
        _, amount, buy, sell = await page.do("window.liquidity.page.cost.lines")
        size = float(amount.removesuffix(" BTC"))
        reply = [
            (await api.order({"symbol": SYMBOL, "side": side, "size": str(size)}))[1]
            for side in ("buy", "sell")
        ]
    for said, order in zip((buy, sell), reply, strict=True):
        found = re.fullmatch(r"to (buy|sell): ([\d.]+) bp", said)
        assert found
        assert abs(float(found[2]) - order["slippage_bps"]) < 0.02
    await page.page.mouse.move(0, 0)
    await page.until("window.liquidity.page.cost.lines.length === 0")


async def test_the_panel_is_as_high_with_an_answer_as_without(page: Watched) -> None:
    """From the first character on, whatever is typed and answered, nothing else on the page moves."""
    boxes = """['impact-panel', 'detections-panel', 'depth-panel'].map((id) => {
      const { top, height } = document.getElementById(id).getBoundingClientRect(); return [top, height]; })"""
    await page.page.fill("#impact-size", "0.")
    before = await page.do(boxes)
    for size in ("0.5", "100000", "abc"):
        await page.page.fill("#impact-size", size)
        await page.until(
            "document.getElementById('impact-note').textContent || document.querySelector('#impact-figures dd')"
        )
        assert await page.do(boxes) == before
        shown = await page.do(
            "(({ scrollHeight, clientHeight }) => [scrollHeight, clientHeight])(document.getElementById('impact-answer'))"
        )
        assert shown[0] <= shown[1]


@pytest.mark.parametrize("width", [390, 1000, 1366])
async def test_a_long_size_and_a_long_note_are_whole(page: Watched, width: int) -> None:
    """A number that is cut reads as another; what could not be filled is said in as many lines as it takes."""
    await page.page.set_viewport_size({"width": width, "height": 768})
    try:
        await page.page.click("#impact-sell")
        await order_shown(page, "1000000")
        await page.page.click("#impact-unit")
        await page.until("document.getElementById('impact-note').textContent.endsWith('no more is known.')")
        size, room, cut = await page.do(
            """() => { const field = document.getElementById("impact-size"); const answer = document.getElementById("impact-answer");
            const style = getComputedStyle(field); const text = document.createElement("canvas").getContext("2d");
            text.font = style.font;
            return [text.measureText(field.value).width,
              field.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight),
              answer.scrollHeight - answer.clientHeight]; }"""
        )
        assert len(await page.page.input_value("#impact-size")) >= 11
        assert size <= room + 0.5
        assert cut <= 0
    finally:
        await page.page.click("#impact-unit")
        await page.page.set_viewport_size({"width": NOTEBOOK[0], "height": NOTEBOOK[1]})


async def test_another_symbol_shows_nothing_of_the_first(page: Watched, api: FakeApi, held: Held) -> None:
    """With the switch the first symbol's figures are gone, and its answer that is still to come is never shown."""
    await order_shown(page, "0.5")
    await page.do(
        """() => {
          window.shown = [];
          const { page } = window.liquidity;
          const show = page.orders.form.show;
          page.orders.form.show = function (figures, ...others) {
            window.shown.push([page.symbol, ...figures.map(([, text]) => text)]);
            return show.call(this, figures, ...others);
          };
        }"""
    )
    api.simulate = held
    await held.asked()
    with page.reconnecting():
        await page.page.click(f"#symbol-{OTHER}")
        await page.until("(symbol) => window.liquidity.page.symbol === symbol", OTHER)
        await page.until(GONE)
        await page.live(OTHER)
    assert await page.do(GONE)
    held.let_go()
    await page.until(SHOWN)
    await page.frames(1)
    shown = await page.do("window.shown")
    await page.do("delete window.liquidity.page.orders.form.show")
    averages = [float(texts[0].replace(",", "")) for symbol, *texts in shown if symbol == OTHER and texts]
    assert averages
    assert all(2900 < average < 3100 for average in averages)


async def test_a_slow_answer_does_not_replace_a_newer_one(page: Watched, api: FakeApi, held: Held) -> None:
    """Once another size has been answered, the answer to the one before is not shown any more."""

    async def half_is_slow(question: Question) -> Reply:
        return await (held(question) if question["size"] == "0.5" else api.order(question))

    await page.do(
        """() => {
          window.sizes = [];
          const { page } = window.liquidity;
          const show = page.orders.show;
          page.orders.show = function (order) {
            if (order) window.sizes.push(order.size);
            return show.call(this, order);
          };
        }"""
    )
    api.simulate = half_is_slow
    await page.page.fill("#impact-size", "0.5")
    await held.asked()
    await order_shown(page, "0.25")
    held.let_go()
    await page.frames(2)
    sizes = await page.do("window.sizes")
    await page.do("delete window.liquidity.page.orders.show")
    assert set(sizes) == {0.25}


async def test_figures_go_out_where_the_api_keeps_its_answer(page: Watched, api: FakeApi, held: Held) -> None:
    """A second later nothing is left of the answer before, and the form says why until there is a new one."""
    await order_shown(page, "0.5")
    api.simulate = held
    await page.until("(text) => document.getElementById('impact-note').textContent === text", NO_ANSWER)
    assert await page.do(GONE)
    held.let_go()
    await page.until(f"{SHOWN} && ({BOXES}) === 1")
    assert await page.text("impact-note") == ""


async def test_figures_go_out_where_the_api_cannot_be_asked(page: Watched, api: FakeApi) -> None:
    """A connection that ends without an answer is told as such, and asked again."""

    async def fail(_: Question) -> None:
        return None

    await order_shown(page, "0.5")
    with page.refused():
        api.simulate = fail
        await page.until("(text) => document.getElementById('impact-note').textContent === text", NO_ANSWER)
        await page.until(GONE)
        api.simulate = api.order
        await page.until(f"{SHOWN} && ({BOXES}) === 1")


@pytest.mark.parametrize("mood", ["stale", "syncing", "silent"])
async def test_an_order_has_no_cost_while_the_page_is_not_live(
    page: Watched, api: FakeApi, mood: str
) -> None:
    """Figures and box go out with the book, whatever the API would answer, and come back with it."""
    await order_shown(page, "0.5")
    reason = "no frame for" if mood == "silent" else f"made {mood} by a test"
    with page.reconnecting():
        api.mood = mood
        await page.until(
            "(reason) => document.getElementById('impact-note').textContent.includes(reason)", reason
        )
        assert await page.do(GONE)
        await page.page.click("#impact-sell")
        await page.until("document.getElementById('impact-sell').getAttribute('aria-pressed') === 'true'")
        assert await page.do(GONE)
        assert reason in await page.text("impact-note")
        api.mood = "live"
        await page.until(f"{SHOWN} && ({BOXES}) === 1")
    assert await page.text("impact-note") == ""


async def test_without_a_size_nothing_is_shown(page: Watched, api: FakeApi, held: Held) -> None:
    """Emptying the field clears figures, note and box at once, and an answer that comes later shows nothing."""
    await order_shown(page, "100000")
    await page.page.fill("#impact-size", "  ")
    await page.until(GONE)
    assert await page.text("impact-note") == ""
    api.simulate = held
    await page.page.fill("#impact-size", "0.5")
    await held.asked()
    await page.page.fill("#impact-size", "")
    await page.until("window.liquidity.page.orders.form.size === ''")
    held.let_go()
    await page.frames(1)
    assert await page.do(GONE)
    assert await page.text("impact-note") == ""


# --- health -----------------------------------------------------------------------------------------------

PROCESSES: list[dict[str, Any]] = [
    {"role": "api", "symbol": None, "pid": 1, "memory_mib": 80.0, "cpu_share": 0.05, "restarts": 0},
    {"role": "engine", "symbol": SYMBOL, "pid": 2, "memory_mib": 90.5, "cpu_share": 0.1, "restarts": 1},
]


def health(**others: Any) -> dict[str, Any]:
    """Return the health of a frame of which `others` replace fields."""
    made: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(a_health(), **others))
    return made


@pytest.mark.parametrize("how", ["button", "key"])
async def test_the_panel_tells_warnings_causes_and_processes(page: Watched, api: FakeApi, how: str) -> None:
    """It opens and closes by button and key, and everything in it is text."""
    api.processes = PROCESSES
    down = StreamHealth("down", HTML, None, 3, {"closed": 2, "refused": 1}, 0, 0)
    api.others = {"health": health(warnings=["too slow", HTML], depth=down)}

    async def toggle() -> None:
        if how == "button":
            await page.page.click("#health")
        else:
            await page.do("document.activeElement.blur()")
            await page.page.keyboard.press("h")

    assert not await page.page.is_visible("#health-panel")
    assert await page.page.get_attribute("#health", "aria-expanded") == "false"
    await toggle()
    await page.until("document.getElementById('health-panel').checkVisibility()")
    assert await page.page.get_attribute("#health", "aria-expanded") == "true"
    await page.until(f"(name) => ({LINES}).some(([found]) => found === name)", f"engine {SYMBOL}")
    await page.until(f"(text) => ({LINES})[1]?.[1] === text", HTML)
    lines = await page.do(LINES)
    assert lines[:3] == [
        ["warning", "too slow"],
        ["warning", HTML],
        ["depth", f"down: {HTML}, 3 reconnects (closed 2, refused 1), 0 malformed, 0 dropped"],
    ]
    assert lines[-2:] == [
        ["api", "80.0 MiB, 5.0 % of a core"],
        [f"engine {SYMBOL}", "90.5 MiB, 10.0 % of a core, 1 restarts"],
    ]
    assert await page.page.locator("#health-panel img").count() == 0
    await toggle()
    await page.until("!document.getElementById('health-panel').checkVisibility()")
    assert await page.page.get_attribute("#health", "aria-expanded") == "false"


async def test_the_button_counts_the_warnings(page: Watched, api: FakeApi) -> None:
    """It warns while there are any, says which, and with the panel closed as well."""
    warns = "document.getElementById('health').classList.contains('warns')"
    for warnings in (["one", "two"], [], ["three"]):
        api.others = {"health": health(warnings=warnings)}
        title = "\n".join(warnings) or "How it is doing (h)"
        await page.until("(title) => document.getElementById('health').title === title", title)
        assert await page.text("health") == (f"health: {len(warnings)}" if warnings else "health")
        assert await page.do(warns) is bool(warnings)


async def test_processes_are_gone_where_the_api_does_not_tell_them(page: Watched, api: FakeApi) -> None:
    """What the frames tell of themselves stays, and the processes come back with the answers."""
    api.processes = PROCESSES
    await page.page.click("#health")
    await page.until(f"(name) => ({LINES}).some(([found]) => found === name)", "api")
    with page.refused():
        api.processes = None
        await page.until(f"(name) => !({LINES}).some(([found]) => found === name)", "api")
        assert "depth" in dict(await page.do(LINES))
        api.processes = PROCESSES
        await page.until(f"(name) => ({LINES}).some(([found]) => found === name)", "api")


async def test_a_silent_api_has_no_health(page: Watched, api: FakeApi) -> None:
    """Nothing is told of how it is doing by a frame that is not of now, nor is a warning counted."""
    await page.page.click("#health")
    await page.until("document.getElementById('health').textContent === 'health: 1'")
    assert "depth" in dict(await page.do(LINES))
    with page.reconnecting():
        api.mood = "silent"
        await page.until("document.getElementById('health').textContent === 'health'")
        assert await page.do(LINES) == []
        assert await page.text("state") == "DISCONNECTED"
        api.mood = "live"
        await page.until("document.getElementById('health').textContent === 'health: 1'")


async def test_another_symbol_has_a_health_of_its_own(page: Watched) -> None:
    """With the switch the first symbol's warnings are gone, before the other's first frame."""
    await page.until("document.getElementById('health').textContent === 'health: 1'")
    with page.reconnecting():
        text = await page.do(
            """(symbol) => {
              window.liquidity.page.chooseSymbol(symbol);
              return document.getElementById("health").textContent;
            }""",
            OTHER,
        )
        await page.live(OTHER)
    assert text == "health"


async def test_many_symbols_are_searched(api: FakeApi) -> None:
    """Sixty of them fit a list that scrolls; typing narrows it, and Enter takes the first."""
    names = [SYMBOL, *(f"COIN{number}USDT" for number in range(58)), OTHER]
    async with (
        chromium() as browser,
        Program(role="dashboard", api_port=api.port, symbols=",".join(names)) as program,
        open_page(browser, program.dashboard_port) as many,
    ):
        await many.live(SYMBOL)
        await many.page.click("#symbol-opener")
        box = await many.do("document.querySelector('.found').getBoundingClientRect().toJSON()")
        assert box["bottom"] <= 768
        assert await many.do("document.querySelector('.found').scrollHeight") > box["height"]
        await many.page.keyboard.type("eth")
        assert await many.page.locator(".found button:visible").all_text_contents() == [OTHER]
        await many.page.keyboard.press("Enter")
        await many.live(OTHER)
        assert not await many.page.is_visible("#symbol-menu")
        assert many.complaints == []
