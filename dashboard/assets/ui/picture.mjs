// The page's picture as PNG: composed for itself, the same on every screen, and twice as fine as a page is.

import { FLOWS } from "../book/numbers.mjs";
import { MarketMap } from "../map/market_map.mjs";
import { make } from "./dom.mjs";
import { bothTimes, number, shortSize } from "./formats.mjs";
import { FONT, THEMES } from "./themes.mjs";

/** @import {BookWindow} from "../book/book_window.mjs" */

const RATIO = 2;
const [WIDTH, HEIGHT] = [1600, 900]; // CSS pixels
const [HEAD, FOOT, SIDE] = [64, 34, 16]; // above, below and beside the map
const NAMES = /** @type {const} */ (["gl", "axes", "cross"]);

/** What stands around the map. @typedef {{symbol: string, source: string, state: string, at: number}} Facts */

export class Picture {
  /** @param {BookWindow} known */
  constructor(known) {
    const elements = /** @type {Record<typeof NAMES[number], HTMLCanvasElement>} */ (
      Object.fromEntries(NAMES.map((name) => [name, make("canvas")]))
    );
    this.stage = make("div", { class: "stage", "aria-hidden": "true" }, ...NAMES.map((name) => elements[name]));
    Object.assign(this.stage.style, { width: `${WIDTH - 2 * SIDE}px`, height: `${HEIGHT - HEAD - FOOT}px` });
    document.body.append(this.stage);
    this.elements = elements;
    this.known = known;
    this.choices = { ticks: /** @type {number | "auto"} */ ("auto"), onlyTop: false, vwap: false, colours: "", kinds: new Set(), rank: 0, flow: FLOWS[0] };
    this.map = new MarketMap(elements, known, this.choices, () => {});
    this.map.canvas.ownRatio = RATIO;
  }

  /** Draw what a map shows, without its pointer; it can be done once.
   * @param {MarketMap} shown @param {Facts} facts @returns {HTMLCanvasElement}
   */
  draw(shown, facts) {
    const { map } = this;
    Object.assign(this.choices, shown.choices);
    Object.assign(map.view, shown.view, { range: { ...shown.view.range } });
    for (const name of /** @type {const} */ (["base", "decimals", "book", "bookTitle", "bookIsPast", "isLive"])) {
      Object.assign(map, { [name]: shown[name] });
    }
    Object.assign(map.scale.settings, shown.scale.settings);
    map.scale.restart();
    map.setTheme(shown.theme);
    map.measure();
    map.drawnVersion = -1;
    map.drawnRaster = "";
    map.refine = true;
    map.draw();
    const picture = this.compose(facts);
    map.canvas.release();
    this.stage.remove();
    return picture;
  }

  /** @param {Facts} facts */
  compose(facts) {
    const picture = document.createElement("canvas");
    [picture.width, picture.height] = [WIDTH * RATIO, HEIGHT * RATIO];
    const context = /** @type {CanvasRenderingContext2D} */ (picture.getContext("2d"));
    context.scale(RATIO, RATIO);
    context.fillStyle = THEMES[this.map.theme].back;
    context.fillRect(0, 0, WIDTH, HEIGHT);
    for (const name of ["gl", "axes"]) {
      context.drawImage(this.elements[/** @type {"gl" | "axes"} */ (name)], SIDE, HEAD, WIDTH - 2 * SIDE, HEIGHT - HEAD - FOOT);
    }
    context.textBaseline = "alphabetic";
    this.writeHead(context, facts);
    this.writeFoot(context, facts);
    return picture;
  }

  /** @param {CanvasRenderingContext2D} context @param {Facts} facts */
  writeHead(context, { symbol, source, state }) {
    const { map } = this;
    const colours = THEMES[map.theme];
    const text = writer(context);
    let x = SIDE + text(symbol, SIDE, 40, 28, colours.text, "600") + 14;
    const mid = map.book ? (map.book.prices[0][0] + map.book.prices[1][0]) / 2e8 : NaN;
    if (!Number.isNaN(mid)) x += text(`${number(mid, map.decimals + 1)} USDT`, x, 40, 28, colours.text) + 18;
    const isSimulated = source === "simulated";
    text(`${source.toUpperCase()}  ·  ${state.toUpperCase()}`, x, 40, 15, isSimulated ? colours.warn : colours.faint, isSimulated ? "700" : "400");
    this.writeLegend(context, text);
  }

  /** The colours of sizes, bids above and asks below. @param {CanvasRenderingContext2D} context @param {ReturnType<typeof writer>} text */
  writeLegend(context, text) {
    const { map } = this;
    const colours = THEMES[map.theme];
    const { table, raster } = map.cells;
    if (!table || !raster) return;
    const range = map.scale.range(1e8);
    const { step, columnMs } = raster.lattice;
    const lines = [
      `${shortSize(range.black / 1e8)} to ${shortSize(range.white / 1e8)} ${map.base} a cell`,
      `a cell is ${Number((step / 1e8).toPrecision(6))} USDT high and ${columnMs / 1000} s wide`,
    ];
    const [wide, high] = [180, 13];
    const left = WIDTH - SIDE - 270 - wide;
    const bar = document.createElement("canvas");
    [bar.width, bar.height] = [table.length / 8, 2];
    bar.getContext("2d")?.putImageData(new ImageData(new Uint8ClampedArray(table), bar.width, 2), 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(bar, left, 18, wide, 2 * high);
    context.imageSmoothingEnabled = true;
    context.strokeStyle = colours.rule;
    context.strokeRect(left - 0.5, 17.5, wide + 1, 2 * high + 1);
    context.textAlign = "right";
    text("bids", left - 8, 29, 12, colours.bid);
    text("asks", left - 8, 42, 12, colours.ask);
    context.textAlign = "left";
    lines.forEach((line, index) => text(line, left + wide + 12, 29 + 15 * index, 12, colours.faint));
  }

  /** @param {CanvasRenderingContext2D} context @param {Facts} facts */
  writeFoot(context, { symbol, source, at }) {
    const colours = THEMES[this.map.theme];
    const text = writer(context);
    const y = HEIGHT - 12;
    context.fillStyle = colours.rule;
    context.fillRect(SIDE, HEIGHT - FOOT + 2, WIDTH - 2 * SIDE, 1);
    text(`${symbol} order book, ${source === "simulated" ? "simulated exchange" : source}: price in USDT by local time`, SIDE, y, 12, colours.faint);
    context.textAlign = "right";
    text(`${new Date(at).toISOString().slice(0, 10)}, ${bothTimes(at)}`, WIDTH - SIDE, y, 12, colours.faint);
    context.textAlign = "left";
  }
}

/** @param {CanvasRenderingContext2D} context */
function writer(context) {
  return (/** @type {string} */ said, /** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ size,
    /** @type {string} */ colour, weight = "400") => {
    context.font = `${weight} ${size}px ${FONT}`;
    context.fillStyle = colour;
    context.fillText(said, x, y);
    return context.measureText(said).width;
  };
}

/** Save a picture as a file that is named by symbol and time. @param {HTMLCanvasElement} picture @param {string} symbol @param {number} at  ms */
export async function savePicture(picture, symbol, at) {
  const blob = await new Promise((resolve) => { picture.toBlob(resolve, "image/png"); });
  if (!(blob instanceof Blob)) return null;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${symbol}-${new Date(at).toISOString().slice(0, 19).replaceAll(":", "")}Z.png`;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  return link.download;
}
