// Opens the page in Firefox, uses it as a hand would, and prints as JSON what was seen.
//
// node look.mjs EXECUTABLE ADDRESS; needs a display, for Firefox draws no WebGL without one.

import { setTimeout } from "node:timers/promises";

import puppeteer from "puppeteer-core";

const PATIENCE_MS = 120_000; // a browser that draws WebGL in software starves on a busy machine
const WINDOW = { width: 1366, height: 888 }; // 120 of it for what is above the page
const LIVE = `window.liquidity?.page?.known.frame?.status === "live"
  && document.getElementById("state").textContent === "LIVE"
  && window.liquidity.page.drawnSecond === window.liquidity.page.known.end / 1000`;
const SETTLED = "window.liquidity.page.nextDrawing === 0 && !window.liquidity.page.map.isBehind";

const [executablePath, address] = process.argv.slice(2);
const browser = await puppeteer.launch({
  browser: "firefox", executablePath, headless: false, timeout: PATIENCE_MS, protocolTimeout: PATIENCE_MS,
  args: [`--width=${WINDOW.width}`, `--height=${WINDOW.height}`],
  defaultViewport: null, // a page's own size takes commands that Firefox 140 has not
  extraPrefsFirefox: { "network.proxy.type": 0, "app.update.auto": false },
});
try {
  process.stdout.write(JSON.stringify(await look()));
} finally {
  await browser.close();
}

async function look() {
  const page = await browser.newPage();
  /** @type {string[]} */
  const complaints = [];
  page.on("console", (message) => {
    if (["error", "warn"].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`uncaught: ${error}`));
  const until = async (/** @type {string} */ condition) => { // waitForFunction makes a Function, which the page forbids
    for (const end = Date.now() + PATIENCE_MS; !(await page.evaluate(condition)); await setTimeout(100)) {
      if (Date.now() > end) throw new Error(`never true: ${condition}; console: ${complaints}`);
    }
  };
  const view = async () => /** @type {Record<"from" | "to" | "low" | "high", number> & {following: boolean}} */ (
    await page.evaluate("({ ...window.liquidity.page.map.view.range, following: window.liquidity.page.map.view.following })")
  );
  await page.goto(address);
  await until(LIVE);
  await until("window.liquidity.page.timings.some(({ surface }) => surface > 0)");
  await until(LIVE);
  const [map, surface] = [await coloured(page, "map"), await coloured(page, "surface")];

  const [x, y] = await page.evaluate(middleOfMap);
  const start = await view();
  await page.mouse.move(x, y);
  await until("!document.getElementById('map-tooltip').hidden");
  const tooltip = await page.evaluate("document.getElementById('map-tooltip').textContent");
  await page.mouse.wheel({ deltaY: -300 });
  await until(`${SETTLED} && window.liquidity.page.map.view.range.high - window.liquidity.page.map.view.range.low < ${start.high - start.low}`);
  const zoomed = await view();
  await page.mouse.down();
  await page.mouse.move(x + 150, y + 60, { steps: 5 });
  await page.mouse.up();
  await until(`${SETTLED} && !window.liquidity.page.map.view.following`);
  const dragged = await view();
  await page.keyboard.press("f");
  await until(`window.liquidity.page.map.view.following && ${LIVE}`);
  return { map, surface, tooltip, start, zoomed, dragged, complaints };
}

/** Return the middle of the map, in pixels of the window. Runs in the page. @returns {[number, number]} */
function middleOfMap() {
  const { document, liquidity } = /** @type {any} */ (globalThis);
  const { left, top } = document.getElementById("map").getBoundingClientRect();
  const { map } = liquidity.page.map.layout;
  return [left + map.left + map.width / 2, top + map.top + map.height / 2];
}

/** Return how many different colours, other than greys, the screen shows where an element is. Texts and rules are grey.
 * @param {import("puppeteer-core").Page} page @param {string} id
 */
async function coloured(page, id) {
  const found = await page.$(`#${id}`);
  const picture = await found?.screenshot({ encoding: "base64" });
  return page.evaluate(countColours, picture ?? "");
}

/** Runs in the page. @param {string} picture  PNG */
async function countColours(picture) {
  const { atob, Blob, createImageBitmap, OffscreenCanvas } = /** @type {any} */ (globalThis);
  const bytes = Uint8Array.from(atob(picture), (letter) => letter.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  const colours = new Set();
  for (let at = 0; at < data.length; at += 4) {
    const [red, green, blue] = data.subarray(at, at + 3);
    if (Math.max(red, green, blue) - Math.min(red, green, blue) > 60) colours.add((red << 16) | (green << 8) | blue);
  }
  return colours.size;
}
