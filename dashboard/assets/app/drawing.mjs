// The drawing loop: what is drawn with the browser's next picture, in which order, and how long it took.

import { WINDOW_MS } from "../book/book_window.mjs";
import { hintOf, nameOf } from "../book/detections.mjs";
import { numbersOf } from "../book/numbers.mjs";
import { showHeader, showHold, showVeil } from "../panels/header.mjs";
import { restLine } from "../panels/readout.mjs";
import { loadPlotly } from "../panels/surface_panel.mjs";
import { showRow } from "../panels/toolbar.mjs";
import { byId, setText } from "../ui/dom.mjs";
import { baseAsset, number, shortSize, time } from "../ui/formats.mjs";
import { notify } from "../ui/notes.mjs";

/** @import {App} from "../app.mjs" */

const KEPT_TIMINGS = 900;
const REFINE_MS = 120; // after the last gesture
const SLICE_MS = 2; // of making cells at one go, about
const SURFACE_MS = 60; // after the map, which is on the screen by then
const DEPTH_MS = 60; // that the depth curve may be behind a hand that goes through the past
const SLIDE = 0.22; // of the way that is left, with each picture
const STILL = window.matchMedia("(prefers-reduced-motion: reduce)");

export class Drawing {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    /** @type {{map: number, depth: number, surface: number, all: number}[]} ms of JavaScript for each second */
    this.timings = [];
    /** @type {number[]} ms of JavaScript for each step of a gesture */
    this.gestureTimings = [];
    this.drawnSecond = NaN;
    /** @type {Promise<unknown> | null} */
    this.plotly = null;
    /** @type {Uint8Array | null} the colours that the legend shows */
    this.legendTable = null;
    this.surfaceTask = 0;
    this.refineTask = 0;
    this.depthTask = 0;
    /** @type {unknown[]} all that what is said of the colours hangs on */
    this.scaleShown = [];
    this.nextDrawing = 0;
    this.dirty = { data: false, view: false };
  }

  /** Draw with the browser's next picture: once, however much there is; and not while the page is hidden.
   * @param {"data" | "view"} what
   */
  soon(what) {
    this.dirty[what] = true;
    if (this.nextDrawing) return;
    this.nextDrawing = window.requestAnimationFrame(() => {
      this.nextDrawing = 0;
      const { data } = this.dirty;
      this.dirty = { data: false, view: false };
      if (data) this.drawData();
      else this.drawView();
    });
  }

  /** Draw all of a new second. */
  drawData() {
    const begin = performance.now();
    if (!this.app.known.seconds.length) return;
    this.app.map.decimals = this.app.decimals;
    this.app.map.base = baseAsset(this.app.symbol);
    this.app.map.advance();
    this.app.map.isLive = this.app.state()[0] === "live";
    this.app.newestBook = this.app.map.isLive ? this.app.newest.of(this.app.known) : null;
    this.slidePrices();
    this.app.pointer.chooseBook();
    this.app.map.draw();
    const beforeDepth = performance.now();
    this.drawDepth();
    this.app.pointer.show();
    const beforeRest = performance.now();
    this.showState();
    this.showScale();
    this.app.orders.ask();
    this.app.health.draw(this.app.heard());
    this.drawList();
    this.drawnSecond = this.app.known.end / 1000;
    const end = performance.now();
    const timing = { map: beforeDepth - begin, depth: beforeRest - beforeDepth, surface: 0, all: end - begin };
    this.timings.push(timing);
    if (this.timings.length > KEPT_TIMINGS) this.timings.shift();
    this.refineLater();
    window.clearTimeout(this.surfaceTask);
    this.surfaceTask = window.setTimeout(() => this.drawSurface(timing), SURFACE_MS); // a task of its own
  }

  /** Draw the same second in another view. */
  drawView() {
    this.step(() => this.drawWhatMoved());
    this.refineLater();
  }

  drawWhatMoved() {
    this.app.map.measure();
    this.slidePrices();
    this.app.pointer.chooseBook();
    this.app.map.draw();
    this.depthSoon();
    this.app.pointer.show();
    this.showState();
    this.showScale();
  }

  /** Do a part of what a hand asks for, between which the browser draws and hears it, and note how long it took.
   * @param {() => void} part
   */
  step(part) {
    const begin = performance.now();
    part();
    this.gestureTimings.push(performance.now() - begin);
    if (this.gestureTimings.length > KEPT_TIMINGS) this.gestureTimings.shift();
  }

  refineLater() {
    window.clearTimeout(this.refineTask);
    if (this.app.map.isBehind) this.refineTask = window.setTimeout(() => this.refine(), REFINE_MS);
  }

  /** Move prices that were zoomed by hand along with the mid, a little with each picture. */
  slidePrices() {
    const { map, mid } = this.app;
    if (mid === null || this.app.hands.gestures.drags) return;
    const share = STILL.matches ? 1 : SLIDE;
    if (map.view.slide(mid, map.limits, share)) this.soon("view");
  }

  /** Make what is of another zoom anew as the hand rests, a part in each task: it may move on at any time. */
  refine() {
    let isReady = false;
    const begin = performance.now();
    this.step(() => { isReady = this.app.map.prepare(() => performance.now() - begin > SLICE_MS); });
    if (!isReady) {
      this.refineTask = window.setTimeout(() => this.refine());
      return;
    }
    this.app.map.refine = this.app.map.isCoarse;
    this.soon("view");
  }

  /** Draw the depth curve; in a task of its own where a hand goes from one book of the past to the next, several times in each. */
  depthSoon() {
    const { map, depth } = this.app;
    if (!map.book || map.book === depth.book || depth.pointer !== null) return this.drawDepth();
    if (this.depthTask) return undefined;
    this.depthTask = window.setTimeout(() => this.step(() => this.drawDepth()), DEPTH_MS);
    return undefined;
  }

  drawDepth() {
    window.clearTimeout(this.depthTask);
    this.depthTask = 0;
    const { depth } = this.app;
    Object.assign(depth, { book: this.app.map.book, isNow: !this.app.map.bookIsPast, decimals: this.app.decimals, base: baseAsset(this.app.symbol) });
    const at = this.app.pointer.shownAt;
    depth.at = at;
    depth.rested = (price, side) => restLine(this.app.known, price, side, at);
    depth.draw();
    this.drawCost();
  }

  drawCost() {
    const { cost, depth, newestBook } = this.app;
    Object.assign(cost, { book: newestBook, base: depth.base, at: this.app.known.end, theme: depth.theme, order: depth.order });
    cost.draw();
  }

  drawList() {
    const { seconds: { length: count }, detections } = this.app.known;
    const [state] = this.app.state();
    const shown = this.app.known.wanted(this.app.choices);
    this.app.list.base = baseAsset(this.app.symbol);
    const isUnknown = state === "disconnected" && !count;
    this.app.list.draw(shown, this.app.decimals, isUnknown ? "Not connected: nothing is known."
      : hintOf(shown.length, detections.length, Math.min(WINDOW_MS / 1000, count)));
    const kinds = new Set(this.app.preferences.get("notes").split(" "));
    const wanted = new Set(this.app.known.wanted({ kinds, rank: this.app.choices.rank }).map(({ id }) => id));
    for (const entry of this.app.list.takeNew(detections)) {
      if (wanted.has(entry.id)) notify(`${nameOf(entry)} · ${this.app.symbol}`, `at ${number(entry.price, this.app.decimals)}, ${time(entry.started_at)}`);
    }
  }

  /** @param {{surface: number, all: number}} timing */
  async drawSurface(timing) {
    if (!window.Plotly) {
      setText("surface-missing", "loading …");
      this.plotly ??= loadPlotly(this.app.root.dataset.plotly ?? "");
      await this.plotly;
      setText("surface-missing", window.Plotly ? "" : "The script that draws the surface did not come; reload to try again.");
    }
    if (!window.Plotly) return;
    const begin = performance.now();
    try {
      const isNow = this.app.map.isLive && this.app.map.view.following;
      this.app.surface.draw(this.app.known, this.app.map.scale.settings.gamma, isNow);
      setText("surface-missing", "");
    } catch (error) {
      const why = this.app.map.canvas.gl ? "see the browser's console." : "this browser gives no WebGL.";
      setText("surface-missing", `The surface cannot be drawn: ${why}`);
      if (this.app.map.canvas.gl) console.warn(error);
    }
    timing.surface = performance.now() - begin;
    timing.all += timing.surface;
  }

  showState() {
    const [state, reason] = this.app.state();
    const { frame } = this.app.known;
    const { view, choices: { flow } } = this.app.map;
    const held = !view.following;
    const isPast = held && this.app.map.bookIsPast;
    const past = isPast ? this.app.map.book : null;
    const at = this.app.pointer.pastAt;
    const second = past && this.app.known.seconds.find(({ row }) => row.timestamp >= at)?.row; // OFI is of a second
    const ofThen = past && { ...numbersOf(past), ofi: second?.[flow] ?? null };
    showHeader({
      frame, state, reason, note: this.app.note, decimals: this.app.decimals, held, at: isPast ? at : null,
      numbers: isPast ? ofThen : frame && { ...frame, ofi: frame[flow] },
      behindMs: held && view.isSet ? this.app.known.end - view.endOf(this.app.known.end) : 0,
    });
    showVeil(state, reason);
    if (held || state !== "live") this.app.surface.leaveNow();
    showHold(held);
  }

  showScale() {
    const { map } = this.app;
    this.app.hands.priceTools.show(map, this.app.mid);
    const { shown } = map.shownScale;
    const raster = map.cells.raster?.lattice;
    const is = [shown, map.cells.table, raster, map.choices.ticks, map.autoTicks, map.base, ...Object.values(map.scale.settings)];
    if (is.every((each, index) => each === this.scaleShown[index])) return;
    this.scaleShown = is;
    const range = map.shownScale.range(1e8);
    const legend = /** @type {HTMLCanvasElement} */ (byId("legend"));
    if (map.cells.table && this.legendTable !== map.cells.table) {
      this.legendTable = map.cells.table;
      legend.getContext("2d")?.putImageData(new ImageData(new Uint8ClampedArray(map.cells.table), 256, 2), 0, 0);
    }
    setText("legend-range", shown ? `${shortSize(range.black / 1e8)} to ${shortSize(range.white / 1e8)} ${map.base} a cell` : "");
    const isTooFine = map.choices.ticks !== "auto" && map.choices.ticks < map.autoTicks;
    const cell = raster ? `${Number((raster.step / 1e8).toPrecision(6))} USDT, ${raster.columnMs / 1000} s` : "";
    setText("row-shown", cell && (isTooFine ? `${cell}; finer zoomed in` : `a cell: ${cell}`));
    showRow(map.autoTicks);
  }

  /** Draw nothing more of a symbol that is not followed any longer. */
  forget() {
    this.drawnSecond = NaN;
    window.clearTimeout(this.surfaceTask);
  }
}
