"""A real Chromium for the tests of the page, and pages in it whose console is watched."""

import contextlib
import os
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from tests.program import PATIENCE, listening_at

PATIENCE_MS = 3 * PATIENCE * 1000  # a browser that draws WebGL in software starves on a busy machine
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
)
ON_SWIFTSHADER = ("--use-angle=swiftshader",)
"""Chromium's own drawing in software, which is everywhere."""
ON_MESA = ("--use-angle=gl-egl",)
"""Mesa's, where it is installed, which draws in two thirds of the time."""
CHEAPEST = (*ON_MESA, "--disable-gpu-compositing")
"""And a page put together as Chromium does without a GPU: in a third of the time, but its thread reads pixels back."""
NOTEBOOK = (1366, 768)

TIMEZONE = "Asia/Kolkata"
"""Half an hour off the full hours: a mistake between UTC and local time moves everything."""

NONE = "\N{EN DASH}"
"""What stands in place of a number."""

NOT_SHOWN = dict.fromkeys(
    ("mid-price", "number-spread", "number-microprice", "number-imbalance", "number-ofi"), NONE
)
"""The header's market numbers while the book is not live."""

ALWAYS_ALLOWED = (
    re.compile(r"GPU stall due to ReadPixels"),  # of the tests' own reading of pixels
    re.compile(r"Multiple readback operations using getImageData"),  # Plotly, drawing the 3D axes' texts once
    re.compile(r"AudioContext was not allowed to start"),
)
WHILE_RECONNECTING = (
    re.compile(r"WebSocket connection to '[^']*/ws/[^']*' failed"),
    re.compile(r"WebSocket is closed before the connection is established"),
)
"""What the browser itself says of a socket that is refused, or given up before it was open."""
WHILE_REFUSED = (re.compile(r"Failed to load resource: "),)
"""What the browser itself says of an answer that is an error, or does not come."""

A_FUNCTION = re.compile(r"\s*(async\s*)?(\([\w\s{},\[\]]*\)|\w+)\s*=>")

OF_ONE_PICTURE = """async (argument) => {
  const script = %s;
  const page = window.liquidity?.page;
  if (page && !("data" in page.drawing.dirty)) throw new Error("the page does not say whether it has drawn what it knows");
  for (let turn = 0; page?.drawing.dirty.data && !document.hidden && turn < 200; turn += 1) {
    await new Promise((resolve) => { window.setTimeout(resolve, 5); });
  }
  return script(argument);
}"""
"""Runs a function when all that the page knows is drawn: what it reads is of one picture then."""

COUNT_CONTEXTS = """
const contexts = new Set();
window.webglContexts = () => [...contexts].filter((context) => !context.isContextLost()).length;
const getContext = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...others) {
  const context = getContext.call(this, kind, ...others);
  if (context && String(kind).includes("webgl")) contexts.add(context);
  return context;
};
"""


def chromium_path() -> str:
    """Return where Chromium is; without one the test is skipped, or fails in CI."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    if os.environ.get("CI"):
        pytest.fail("there is no Chromium on the PATH: in CI it is installed and required")
    pytest.skip("skipped: there is no Chromium on the PATH, which the tests of the page need")


@contextlib.asynccontextmanager
async def chromium(drawing: Sequence[str] = CHEAPEST) -> AsyncIterator[Browser]:
    """Run a headless Chromium that draws in software, by the flags of one of the ways above."""
    path, flags = chromium_path(), [*FLAGS, *drawing]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=flags)
        try:
            yield browser
        finally:
            await browser.close()


def _function(script: str) -> str:
    """Return `script` as a function: an expression the page would have to evaluate, which its policy forbids."""
    return script if A_FUNCTION.match(script) else f"() => ({script})"


class Watched:
    """A page, and what its console said that nobody expected."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.context, self.page = context, page
        self.complaints: list[str] = []
        self.allowed: tuple[re.Pattern[str], ...] = ()
        page.on("console", self._said)
        page.on("pageerror", lambda error: self._complain(f"uncaught: {error}"))
        page.on("crash", lambda _: self._complain("the page crashed"))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        if not any(pattern.search(message.text) for pattern in (*ALWAYS_ALLOWED, *self.allowed)):
            self._complain(f"{message.type}: {message.text}")

    def _complain(self, text: str) -> None:
        if text not in self.complaints:
            self.complaints.append(text)

    @contextlib.contextmanager
    def _allowing(self, *patterns: re.Pattern[str]) -> Iterator[None]:
        before, self.allowed = self.allowed, patterns
        try:
            yield
        finally:
            self.allowed = before

    def reconnecting(self) -> contextlib.AbstractContextManager[None]:
        """Allow what the browser says of sockets that fail, and of the question why; no page can hinder it."""
        return self._allowing(*self.allowed, *WHILE_RECONNECTING, *WHILE_REFUSED)

    def refused(self) -> contextlib.AbstractContextManager[None]:
        """Allow what the browser says of questions that are refused; the page cannot keep it from that either."""
        return self._allowing(*self.allowed, *WHILE_REFUSED)

    async def do(self, script: str, argument: object = None) -> Any:
        """Return what a JavaScript expression or function gives, all of it of one picture."""
        return await self.page.evaluate(OF_ONE_PICTURE % _function(script), argument)

    async def until(self, condition: str, argument: object = None) -> None:
        """Wait until a JavaScript expression or function is true; its source is what a time-out names."""
        try:
            await self.page.wait_for_function(
                _function(condition), arg=argument, timeout=PATIENCE_MS, polling=50
            )
        except Exception as error:
            shown = await self.page.evaluate("document.querySelector('header')?.innerText")
            raise AssertionError(
                f"never true: {condition} ({argument}); header: {shown!r}; console: {self.complaints[:3]}"
            ) from error

    async def live(self, symbol: str | None = None) -> None:
        """Wait until the page shows a live frame, of `symbol` if given."""
        await self.until(
            """(symbol) => {
              const page = window.liquidity?.page;
              return page?.known.frame?.status === "live" && page.drawnSecond === page.known.end / 1000
                && document.getElementById("state").textContent.startsWith("LIVE")
                && (!symbol || page.known.frame.symbol === symbol);
            }""",
            symbol,
        )

    async def frames(self, count: int) -> None:
        """Wait until the page has drawn so many more frames."""
        newest = await self.do("window.liquidity.page.known.end / 1000")
        await self.until("(second) => window.liquidity.page.drawnSecond >= second", newest + count)

    async def text(self, element: str) -> str:
        """Return the text of the element with this id."""
        found: str = await self.do("(id) => document.getElementById(id).textContent", element)
        return found

    async def pressed(self, element: str) -> bool:
        """Say whether a button says that it is pressed."""
        attribute = "(id) => document.getElementById(id).getAttribute('aria-pressed')"
        return bool(await self.do(attribute, element) == "true")


class Wire:
    """Counts the bytes that a page's answers take on the wire, heads included, as the browser measured them."""

    def __init__(self) -> None:
        self.answers: list[float] = []

    async def watch(self, watched: Watched) -> None:
        """Count from now on."""
        session = await watched.context.new_cdp_session(watched.page)
        session.on("Network.loadingFinished", lambda event: self.answers.append(event["encodedDataLength"]))
        await session.send("Network.enable")

    def take(self) -> int:
        """Return the bytes since the last time."""
        total, self.answers = sum(self.answers), []
        return round(total)


SURFACE_DRAWN = "window.liquidity?.page?.timings.some(({ surface }) => surface > 0)"
"""All that a first load asks for has come by then."""


async def shown_numbers(watched: Watched) -> dict[str, str]:
    """Return the header's market numbers, all of one moment."""
    texts: dict[str, str] = await watched.do(
        "(names) => Object.fromEntries(names.map((name) => [name, document.getElementById(name).textContent]))",
        list(NOT_SHOWN),
    )
    return texts


async def until_numbers_are_shown(watched: Watched) -> None:
    """Wait until none of the header's market numbers is missing."""
    await watched.until(
        "([names, none]) => names.every((name) => document.getElementById(name).textContent !== none)",
        [list(NOT_SHOWN), NONE],
    )


@contextlib.asynccontextmanager
async def open_page(
    browser: Browser,
    port: int,
    *,
    size: tuple[int, int] = NOTEBOOK,
    ratio: float = 1,
    timezone: str = TIMEZONE,
    touch: bool = False,
    prepare: Callable[[Watched], Awaitable[None]] | None = None,
) -> AsyncIterator[Watched]:
    """Open the page that is served at `port`, as soon as somebody serves it and it is prepared for.

    A CSS pixel is `ratio` device pixels wide; with `touch` it is a phone's.
    """
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        device_scale_factor=ratio,
        timezone_id=timezone,
        locale="en-GB",
        has_touch=touch,
        is_mobile=touch,
    )
    try:
        await context.add_init_script(COUNT_CONTEXTS)
        watched = Watched(context, await context.new_page())
        if prepare is not None:
            await prepare(watched)
        await listening_at(port)
        await watched.page.goto(f"http://127.0.0.1:{port}/", timeout=PATIENCE_MS)
        yield watched
    finally:
        await context.close()
