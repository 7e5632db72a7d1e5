// The map: the field of all that the book knows, the book beside it and the strips below, in one view.
//
// It draws nothing by itself: the page calls `update` with new data and `draw` with a new view, once for each picture
// of the browser.

import { WINDOW_MS } from "../book/book_window.mjs";
import { HeldRaster } from "../book/held_raster.mjs";
import { cellAt, rowOf, sampleSizes } from "../book/raster.mjs";
import { blank, fitted } from "../ui/dom.mjs";
import { number } from "../ui/formats.mjs";
import { premultiplied, THEMES } from "../ui/themes.mjs";
import { CellLayer } from "./cell_layer.mjs";
import { lookUpTable } from "./colour_maps.mjs";
import { ColourScale } from "./colour_scale.mjs";
import { GlCanvas } from "./gl_canvas.mjs";
import { pathOf, tenLevels } from "./lines.mjs";
import { drawCrosshair, MapAxes } from "./map_axes.mjs";
import { mapLayout, STRIPS } from "./map_layout.mjs";
import { MapShapes } from "./map_shapes.mjs";
import { ShapeLayer } from "./shape_layer.mjs";
import { msAColumn, ticksARow, View } from "./view.mjs";

/** @import {BookWindow} from "../book/book_window.mjs" */
/** @import {Instant} from "../book/instant.mjs" */
/** @import {Lattice, Raster} from "../book/raster.mjs" */
/** @import {Box, Panel} from "./gl_canvas.mjs" */
/** @import {Layout} from "./map_layout.mjs" */
/** @import {Crosshair, Scene} from "./map_axes.mjs" */
/** @import {Look} from "./shape_layer.mjs" */
/** @import {Limits} from "./view.mjs" */
/** @import {Theme} from "../ui/themes.mjs" */

const [VIEW, WIDE] = [0, 1]; // of the layer's rasters
const WIDE_CELLS = 600; // across and upwards, about
const COARSEST = 4; // so many cells may fall into one pixel while a hand moves the view
const AHEAD = 0.15; // of the columns that are seen, made ready for the seconds to come
const MARGIN = 0.15; // of what is seen, made to each side while a hand moves the view
const LEAST_FONT = 11; // px: with a larger one bubbles grow, too
const LEAST_ROW = 2; // device pixels: a wall is a line that is seen

/** What a person chose to see. @typedef {object} Choices
 * @property {number | "auto"} ticks  a row
 * @property {boolean} onlyTop
 * @property {boolean} vwap
 * @property {string} colours
 * @property {Set<string>} kinds  of detections
 * @property {number} rank  of a detection of a kind that comes often, at least
 * @property {import("../book/numbers.mjs").Flow} flow
 */

export class MarketMap {
  /** `onContext` is called when the drawing context is lost or back.
   * @param {{gl: HTMLCanvasElement, axes: HTMLCanvasElement, cross: HTMLCanvasElement}} elements
   * @param {BookWindow} known @param {Choices} choices @param {() => void} onContext
   */
  constructor(elements, known, choices, onContext) {
    this.elements = elements;
    this.known = known;
    this.choices = choices;
    this.view = new View();
    this.scale = new ColourScale();
    this.wideScale = new ColourScale();
    this.wideScale.settings = this.scale.settings;
    this.wideSeen = "";
    this.canvas = new GlCanvas(elements.gl, () => {
      this.drawnRaster = "";
      onContext();
    });
    this.cells = new CellLayer(this.canvas);
    this.layer = new ShapeLayer(this.canvas);
    this.shapes = new MapShapes(this.layer, known);
    /** @type {Theme} */
    this.theme = "dark";
    this.held = new HeldRaster(); // the view's cells
    this.next = new HeldRaster(); // those that are made ready for when the hand rests
    this.nextZoom = ""; // that they are of; "": none are
    this.wide = new HeldRaster(); // cells of all that is known
    this.drawnRaster = ""; // the zoom that they are of; "": they are to be made anew
    this.drawnZoom = "";
    this.isCoarse = false;
    this.refine = false;
    this.drawnVersion = -1;
    this.reach = { version: -1, lowest: Infinity, highest: -Infinity }; // of what is known, units
    /** @type {Instant | null} the book that is shown beside the map */
    this.book = null;
    this.base = ""; // the base asset's name
    this.decimals = 2; // of prices
    this.bookTitle = "book now";
    this.bookIsPast = false;
    this.isLive = false; // the newest second still says something of now
    /** @type {import("./map_axes.mjs").LaneMark[]} */
    this.marks = [];
    /** @type {Scene | null} */
    this.scene = null;
    this.font = 11;
    this.measured = ""; // what the layout was made for
    this.sizesSeen = ""; // the held view whose sizes the colours are of
    this.layout = mapLayout(800, 500, this.font, 9);
  }

  /** Forget what is shown: another symbol follows. */
  clear() {
    this.view.reset();
    this.scale.restart();
    this.book = null;
    this.drawnRaster = "";
    this.drawnZoom = "";
    this.nextZoom = "";
    this.next.clear();
    this.isCoarse = false;
    this.drawnVersion = -1;
    this.scene = null;
    this.marks = [];
    this.canvas.clear();
    for (const element of [this.elements.axes, this.elements.cross]) blank(element);
  }

  /** What the view can reach. @returns {Limits} */
  get limits() {
    const { known } = this;
    const tick = (known.tick || 1e6) / 1e8;
    if (this.reach.version !== known.version) this.reach = reachOf(known);
    let { lowest, highest } = this.reach;
    if (!(lowest < highest)) [lowest, highest] = [this.view.range.low * 1e8, this.view.range.high * 1e8];
    return { oldest: known.oldest, now: known.end, lowest: lowest / 1e8, highest: highest / 1e8, tick, windowMs: WINDOW_MS };
  }

  /** Take over new data: move on with it. */
  advance() {
    this.measured = ""; // whatever else the text's size hangs on
    this.measure();
    this.view.advance(this.limits, (from, to) => this.pathOf(from, to));
    this.known.heldFrom = this.view.following ? Infinity : this.view.range.from;
  }

  /** The prices that are to be seen between two times. @param {number} from @param {number} to */
  pathOf(from, to) {
    return (this.choices.onlyTop ? tenLevels : pathOf)(this.known.seconds, from, to);
  }

  /** Fit the prices to what is chosen to be seen: the ten best levels, or the book around the price. */
  chooseReach() {
    const { range } = this.view;
    this.view.tighten(this.choices.onlyTop, this.limits, this.pathOf(range.from, Math.min(range.to, this.view.heldAt)));
  }

  /** Lay out for the element's size, unless that is done already: each step of a hand asks. */
  measure() {
    const { clientWidth, clientHeight } = this.elements.gl;
    const letters = number(this.known.frame?.mid_price ?? this.view.range.high, this.decimals + 1).length;
    const is = `${clientWidth} ${clientHeight} ${this.canvas.ratio} ${letters}`;
    if (is === this.measured) return;
    this.measured = is;
    this.font = Math.round(parseFloat(getComputedStyle(this.elements.gl).fontSize) * 10) / 10 || 11;
    this.layout = mapLayout(clientWidth, clientHeight, this.font, letters);
  }

  /** The fewest ticks that make a row which can be seen. */
  get autoTicks() {
    return ticksARow(this.view.range, this.limits.tick, (this.layout.map.height * this.canvas.ratio) / LEAST_ROW);
  }

  /** The ticks that a row holds at the present zoom. */
  get ticks() {
    const fewest = this.autoTicks;
    return this.choices.ticks === "auto" ? fewest : Math.max(fewest, this.choices.ticks);
  }

  /** Write the cells of the present view, unless they are held already.
   *
   * While a hand moves the view, cells of another size do for the moment, as long as they cover it: those that were drawn
   * before, or those of all that is known. `isCoarse` says so, and `refine` has the view's own made.
   */
  writeCells() {
    const { known, view: { range }, cells, held } = this;
    const { step, columnMs, tick } = this.cellSize;
    const zoom = `${columnMs} ${step} ${tick}`;
    const lattice = latticeOf(range, columnMs, step, tick, 0);
    const isNew = this.drawnVersion !== known.version;
    const isReady = this.takeRefine(zoom);
    const isMoving = this.drawnZoom !== "" && !isReady && (this.isCoarse || !isNew);
    if (isNew) this.writeWide(tick);
    if (this.drawnRaster && held.version !== known.version) this.goOn(range);
    const does = (/** @type {HeldRaster} */ { raster, version }, /** @type {number} */ most) => (
      raster !== null && version === known.version && raster.lattice.tick === tick && covers(raster.lattice, lattice)
      && Math.max(columnMs / raster.lattice.columnMs, step / raster.lattice.step) <= most
    );
    this.isCoarse = false;
    if (this.drawnRaster && does(held, COARSEST)) {
      cells.shown = VIEW;
      this.isCoarse = zoom !== this.drawnRaster && !isReady;
      if (this.isCoarse || zoom === this.drawnRaster) return this.seeSizes(isNew);
    }
    if (isMoving && does(this.wide, Infinity)) { // however fine they are: to make others would hold the hand up
      cells.shown = WIDE;
      this.isCoarse = true;
      return this.seeSizes(isNew);
    }
    cells.shown = VIEW;
    if (this.nextZoom === zoom && this.next.grow(known, lattice)) [this.held, this.next] = [this.next, held];
    else held.make(known, isNew ? ahead(lattice) : latticeOf(range, columnMs, step, tick, MARGIN));
    this.nextZoom = "";
    cells.write(/** @type {Raster} */ (this.held.raster), VIEW);
    if (this.drawnZoom && zoom !== this.drawnZoom) this.scale.restart();
    this.drawnZoom = zoom;
    this.drawnRaster = zoom;
    return this.seeSizes(isNew);
  }

  /** Return whether the view's own cells were asked for, unless those that were made ready are of another zoom: then the hand has moved
   * on, and to make all of them at once would hold it up. @param {string} zoom
   */
  takeRefine(zoom) {
    const { refine, nextZoom } = this;
    this.refine = false;
    return refine && (nextZoom === "" || nextZoom === zoom);
  }

  /** Whether something is shown that is of another zoom. */
  get isBehind() {
    if (!this.view.isSet || !this.known.seconds.length) return false;
    return this.isCoarse || !this.shapes.hasBubblesOf(this.view.range, this.layout.map, this.font / LEAST_FONT);
  }

  /** Write the bubbles of the present zoom. */
  writeBubbles() {
    this.shapes.writeBubbles(this.view.range, this.layout.map, this.known.tick || 1e6, this.font / LEAST_FONT);
  }

  /** Make what the view shows of another zoom, a part of it with each call, until `isEnough`; says whether all is. The view's own cells
   * are shown by the next drawing for which `refine` is set. @param {() => boolean} isEnough
   */
  prepare(isEnough) {
    const { known, view: { range }, next } = this;
    if (!this.view.isSet || !known.seconds.length) return true;
    if (this.drawnVersion === known.version) this.writeBubbles(); // else the drawing of the new second does, with its trades
    if (!this.isCoarse) return true;
    const { step, columnMs, tick } = this.cellSize;
    const zoom = `${columnMs} ${step} ${tick}`;
    const lattice = latticeOf(range, columnMs, step, tick, 0);
    const does = zoom === this.nextZoom && next.era === known.era && next.raster && covers(next.raster.lattice, lattice);
    if (!does) next.begin(known, latticeOf(range, columnMs, step, tick, MARGIN));
    this.nextZoom = zoom;
    return next.goOn(isEnough);
  }

  /** What a cell of the present view is: {step, columnMs, tick}. */
  get cellSize() {
    const { known, view: { range }, layout: { map }, canvas } = this;
    const tick = known.tick || 1e6;
    return { tick, step: tick * this.ticks, columnMs: msAColumn(range, map.width * canvas.ratio) };
  }

  /** Go on with the view's cells, as they are. @param {import("./view.mjs").Range} range */
  goOn(range) {
    const { known, held, cells } = this;
    const lattice = held.raster?.lattice;
    const grown = lattice ? held.grow(known, latticeOf(range, lattice.columnMs, lattice.step, lattice.tick, 0)) : null;
    if (grown && held.raster) cells.write(held.raster, VIEW, grown);
    else this.drawnRaster = "";
  }

  /** Hold cells of all that is known, too: a hand that zooms out needs no others until it rests. @param {number} tick  units */
  writeWide(tick) {
    const { known, wide, cells, limits } = this;
    const room = (limits.highest - limits.lowest) / 8; // of which a view shows as much at most, and a little behind now
    const range = {
      from: Math.min(limits.oldest, limits.now - limits.windowMs), to: limits.now + limits.windowMs * 0.03,
      low: limits.lowest - room, high: limits.highest + room,
    };
    if (!(room > 0) || !Number.isFinite(range.from)) return;
    const columnMs = 100 * 2 ** Math.ceil(Math.log2((range.to - range.from) / 100 / WIDE_CELLS));
    const step = tick * ticksARow(range, limits.tick, WIDE_CELLS);
    const zoom = wide.raster?.lattice;
    // A little more or less known does not change the size of the cells, which would have all of them made anew.
    const keeps = zoom && zoom.tick === tick && zoom.columnMs === columnMs && zoom.step >= step && zoom.step <= 2.5 * step;
    const lattice = latticeOf(range, columnMs, keeps ? zoom.step : step, tick, 0);
    const grown = wide.grow(known, lattice);
    if (grown && wide.raster) cells.write(wide.raster, WIDE, grown);
    else cells.write(wide.make(known, ahead(latticeOf(range, columnMs, lattice.step, tick, MARGIN))), WIDE);
  }

  /** The colours' scale of the cells that are shown. */
  get shownScale() {
    return this.cells.shown === WIDE ? this.wideScale : this.scale;
  }

  /** Choose the ends of the colours anew. */
  restartScale() {
    this.scale.restart();
    this.wideSeen = "";
  }

  /** Let the scale hear the sizes that are shown. @param {boolean} isNew */
  seeSizes(isNew) {
    const { shownScale: scale, cells: { raster }, known } = this;
    const { following, range: { from, to, low, high } } = this.view;
    const seen = following ? "" : `${from} ${to} ${low} ${high}`; // of a view that holds still no size is new
    if (scale === this.wideScale) {
      const wide = seen || String(known.version);
      if (this.wideSeen === wide && scale.shown) return;
      this.wideSeen = wide;
      scale.restart();
    }
    if (raster && ((isNew && (following || seen !== this.sizesSeen)) || !scale.shown)) {
      this.sizesSeen = seen;
      scale.see(sampleSizes(raster));
    }
  }

  /** Write and draw everything that the view shows. */
  draw() {
    const { known, layout, shapes, view: { range } } = this;
    if (!this.view.isSet || !known.seconds.length) return;
    const tick = known.tick || 1e6;
    this.writeCells();
    const isNew = this.drawnVersion !== known.version;
    if (isNew) shapes.writeData(this.choices, this.choices.flow);
    shapes.fitStrips({ ...range, to: this.view.endOf(this.known.end) }, this.choices.flow);
    if (isNew) this.writeBubbles(); // while a hand moves those of another zoom do
    shapes.writeBook(this.book, range, layout.book, { step: tick * this.ticks, tick }, this.view.leftAt);
    this.drawnVersion = known.version;
    this.paint();
    this.writeTexts();
  }

  /** Draw all layers. */
  paint() {
    const { canvas, layout, layer, view: { range }, known, shapes } = this;
    const colours = THEMES[this.theme];
    const colour = (/** @type {keyof typeof colours} */ name) => premultiplied(colours[name]);
    canvas.clear();
    if (!canvas.gl) return;
    const map = this.untilHeld({ ...layout.map, ...range });
    const units = { ...map, low: range.low * 1e8, high: range.high * 1e8 };
    this.cells.draw(units, known.end, this.shownScale.range(1e8), {
      hatchBack: colour("hatchBack"), hatch: colour("hatch"), outline: colour("outline"),
      onlyTop: this.choices.onlyTop,
    });
    const line = (/** @type {string} */ name, /** @type {Panel} */ panel, /** @type {Look} */ look) => layer.draw(name, panel, look);
    line("best bid", map, { fill: colour("bidLine"), stroke: 1 });
    line("best ask", map, { fill: colour("askLine"), stroke: 1 });
    if (this.choices.vwap) line("vwap", map, { fill: colour("vwap"), stroke: 1.5 });
    line("sold", map, { fill: colour("sold"), edge: colour("edge"), edgeWidth: 0.6 });
    line("bought", map, { fill: colour("bought"), edge: colour("edge"), edgeWidth: 0.6 });
    const width = Math.max(2, Math.round(this.font / 5.5));
    line("mid", map, { fill: colour("casing"), stroke: width + 2 });
    line("mid", map, { fill: colour("mid"), stroke: width });
    line("detection lines", map, { fill: colour("detection"), stroke: 1 }); // over the mid: one at the touch is as near as that
    layout.strips.forEach((box, index) => {
      const name = STRIPS[index];
      const [low, high] = shapes.strips[name].range;
      const panel = this.untilHeld({ ...box, from: range.from, to: range.to, low, high });
      line(`${name} above`, panel, { fill: colour(name === "spread" ? "plainFill" : "aboveFill") });
      line(`${name} below`, panel, { fill: colour("belowFill") });
      line(name, panel, { fill: colour("line"), stroke: 1 });
    });
    const book = { ...layout.book, from: 0, to: 1, low: range.low, high: range.high };
    const traded = { ...book, ...layout.traded };
    line("book bought", traded, { fill: colour("boughtBar") });
    line("book sold", traded, { fill: colour("soldBar") });
    line("book bids", book, { fill: colour("bidBar") });
    line("book asks", book, { fill: colour("askBar") });
    if (this.bookIsPast) return; // an order is of the book of now
    line("order", book, { fill: colour("orderFill"), edge: colour("order"), edgeWidth: 1 });
  }

  /** Return a panel that ends where the view is held, at the same scale. @param {Panel} panel @returns {Panel} */
  untilHeld(panel) {
    const { heldAt } = this.view;
    if (!(heldAt < panel.to)) return panel;
    return { ...panel, to: heldAt, width: (panel.width * (heldAt - panel.from)) / (panel.to - panel.from) };
  }

  writeTexts() {
    const { known } = this;
    const newest = this.isLive ? known.seconds[known.seconds.length - 1].row : null;
    const frame = known.frame;
    this.scene = {
      layout: this.layout, range: this.view.range, shapes: this.shapes, colours: THEMES[this.theme], font: this.font,
      tick: this.limits.tick, decimals: this.decimals, base: this.base, newest, now: known.end,
      detections: known.wanted(this.choices), bookTitle: this.bookTitle, bookIsPast: this.bookIsPast,
      vwap: this.choices.vwap ? this.shapes.vwap : null, labels: [], marks: [], isHeld: !this.view.following, flow: this.choices.flow,
    };
    if (!frame) return;
    const [context] = fitted(this.elements.axes, this.canvas.ratio);
    this.marks = this.scene.marks = new MapAxes(context, this.scene).draw();
  }

  /** Draw the crosshair at a place of the panel, or none for null. @param {Crosshair | null} at */
  drawCrosshair(at) {
    if (at && this.scene) drawCrosshair(fitted(this.elements.cross)[0], this.scene, at);
    else blank(this.elements.cross);
  }

  /** Return where a time and price are on the panel (CSS px). @param {number} time @param {number} price */
  pixelOf(time, price) {
    const { layout: { map }, view: { range } } = this;
    return {
      x: map.left + ((time - range.from) / (range.to - range.from)) * map.width,
      y: map.top + ((range.high - price) / (range.high - range.low)) * map.height,
    };
  }

  /** Return the mark in the detections' lane nearest to a place, within `reach` px across; null where there is none.
   * @param {{x: number, y: number}} at @param {number} reach @returns {import("./map_axes.mjs").LaneMark | null}
   */
  markNear({ x, y }, reach) {
    const far = (/** @type {{x: number, y: number}} */ mark) => Math.hypot(mark.x - x, mark.y - y);
    let nearest = null;
    for (const mark of this.marks) {
      if (Math.abs(mark.x - x) <= reach && !(nearest && far(mark) >= far(nearest))) nearest = mark;
    }
    return nearest;
  }

  /** Return {time, price} at a place of the panel; price is null where it has no price axis. @param {number} x @param {number} y */
  placeAt(x, y) {
    const { layout: { map }, view: { range } } = this;
    const time = range.from + ((x - map.left) / map.width) * (range.to - range.from);
    const inside = y >= map.top && y < map.top + map.height;
    const price = inside ? range.high - ((y - map.top) / map.height) * (range.high - range.low) : null;
    return { time, price };
  }

  /** Return what the cell at a time and price shows: {bid, ask} in base asset and its prices, or null where it is not known.
   * @param {number} time @param {number} price
   */
  cellAt(time, price) {
    const { raster } = this.cells;
    if (!raster || time >= this.known.end) return null;
    const { firstColumn, columnMs, firstRow, step, tick } = raster.lattice;
    const row = rowOf(price * 1e8, raster.lattice);
    const cell = cellAt(raster, Math.floor(time / columnMs) - firstColumn, row - firstRow);
    if (!cell) return null;
    const lowest = Math.ceil((row * step) / tick) * tick;
    return { bid: cell.bid / 1e8, ask: cell.ask / 1e8, from: lowest / 1e8, to: (lowest + step - tick) / 1e8, columnMs };
  }

  /** @param {Theme} theme */
  setTheme(theme) {
    this.theme = theme;
    this.cells.setColours(lookUpTable(theme, this.choices.colours));
  }
}

/** Return the lattice that covers a range, and `margin` of it more to each side.
 * @param {import("./view.mjs").Range} range @param {number} columnMs @param {number} step @param {number} tick @param {number} margin
 */
function latticeOf(range, columnMs, step, tick, margin) {
  const [ms, usdt] = [(range.to - range.from) * margin, (range.high - range.low) * margin];
  const firstColumn = Math.floor((range.from - ms) / columnMs);
  const firstRow = rowOf((range.low - usdt) * 1e8, { step, tick });
  return {
    firstColumn, columnMs, columns: Math.ceil((range.to + ms) / columnMs) - firstColumn + 1,
    firstRow, rows: rowOf((range.high + usdt) * 1e8, { step, tick }) - firstRow + 2, step, tick,
  };
}

/** @param {BookWindow} known */
function reachOf({ seconds, version }) {
  let [lowest, highest] = [Infinity, -Infinity];
  for (const { base, changes } of seconds) {
    const low = changes?.lows.at(-1) ?? base?.low;
    const high = changes?.highs.at(-1) ?? base?.high;
    if (low !== undefined && high !== undefined) [lowest, highest] = [Math.min(lowest, low), Math.max(highest, high)];
  }
  return { version, lowest, highest };
}

/** Return a lattice with room behind its last column for the seconds to come. @param {Lattice} lattice @returns {Lattice} */
function ahead(lattice) {
  return { ...lattice, columns: lattice.columns + Math.ceil(lattice.columns * AHEAD) };
}

/** @param {Lattice} held @param {Lattice} wanted */
function covers(held, wanted) {
  const ends = (/** @type {Lattice} */ of) => [
    of.firstColumn * of.columnMs, (of.firstColumn + of.columns) * of.columnMs, of.firstRow * of.step, (of.firstRow + of.rows) * of.step,
  ];
  const [from, to, low, high] = ends(held);
  const [start, end, bottom, top] = ends(wanted);
  // The wanted lattice is rounded up to whole cells of its own, which may be larger.
  return from < start + wanted.columnMs && to > end - wanted.columnMs && low < bottom + wanted.step && high > top - wanted.step;
}
