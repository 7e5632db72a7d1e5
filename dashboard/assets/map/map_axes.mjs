// The map's texts and rules: axes, strips, the book's scale, detections' lane. Drawn on a canvas of their own.

import { colourSide, isOpen, markOf } from "../book/detections.mjs";
import { number, shortSize, signed, signedSize, time, zoneOffset } from "../ui/formats.mjs";
import { FONT } from "../ui/themes.mjs";
import { decimalsOfStep, numberTicks, timeTicks } from "./axis_ticks.mjs";
import { LEAST_NUMBER_ROW } from "./book_column.mjs";
import { MARK_ROW, placeMarks } from "./lane.mjs";
import { STRIPS } from "./map_layout.mjs";

/** @import {Box, Panel} from "./gl_canvas.mjs" */
/** @import {Layout} from "./map_layout.mjs" */
/** @import {MapShapes} from "./map_shapes.mjs" */
/** @import {Range} from "./view.mjs" */
/** @import {Detection, Row} from "../../types/frames.d.ts" */

/** @typedef {typeof import("../ui/themes.mjs").THEMES.dark} Colours */

/** All that is written around the map.
 * @typedef {object} Scene
 * @property {Layout} layout
 * @property {Range} range
 * @property {MapShapes} shapes
 * @property {Colours} colours
 * @property {number} font  px
 * @property {number} tick  USDT
 * @property {number} decimals  of prices
 * @property {string} base  the base asset's name
 * @property {Row | null} newest
 * @property {number} now  ms
 * @property {Detection[]} detections  the latest entry of each that is wanted
 * @property {string} bookTitle
 * @property {boolean} bookIsPast
 * @property {number | null} vwap  where it is drawn
 * @property {{text: string, x: number, y: number, align: CanvasTextAlign}[]} labels  of the axes, as they are drawn
 * @property {LaneMark[]} marks  of the detections, as they are drawn
 * @property {import("../book/numbers.mjs").Flow} flow  that a strip shows
 * @property {boolean} isHeld  what is of now is not of this picture
 */

/** Where a detection's mark is drawn, for the pointer; several may share a mark. @typedef {{x: number, y: number, entry: Detection}} LaneMark */

/** What the crosshair is at: a place (px) and its time; price where there is one, and the detection that it belongs to.
 * @typedef {{x: number, y: number, time: number, price: number | null, part: string, entry: Detection | null}} Crosshair
 */

export class MapAxes {
  /** @param {CanvasRenderingContext2D} context @param {Scene} scene */
  constructor(context, scene) {
    this.context = context;
    this.scene = scene;
    context.font = `${scene.font}px ${FONT}`;
    context.textBaseline = "middle";
    context.lineWidth = 1;
  }

  /** Draw all of it; returns where the detections' marks are. @returns {LaneMark[]} */
  draw() {
    this.times();
    this.prices();
    this.strips();
    this.columns();
    this.bookNumbers();
    this.vwap();
    this.touch();
    return this.lane();
  }

  /** @param {number} ms */
  x(ms) {
    const { layout: { map }, range } = this.scene;
    return map.left + ((ms - range.from) / (range.to - range.from)) * map.width;
  }

  /** @param {number} price */
  y(price) {
    const { layout: { map }, range } = this.scene;
    return map.top + ((range.high - price) / (range.high - range.low)) * map.height;
  }

  /** @param {number} x @param {number} y @param {number} width @param {number} height @param {string} colour */
  fill(x, y, width, height, colour) {
    this.context.fillStyle = colour;
    this.context.fillRect(Math.round(x), Math.round(y), Math.round(width), Math.round(height));
  }

  /** @param {string} text @param {number} x @param {number} y @param {string} colour @param {CanvasTextAlign} [align] */
  text(text, x, y, colour, align = "left") {
    this.context.fillStyle = colour;
    this.context.textAlign = align;
    this.context.fillText(text, x, y);
  }

  /** Write a label of an axis, and note where it is. @param {string} text @param {number} x @param {number} y
   * @param {CanvasTextAlign} [align]
   */
  label(text, x, y, align = "left") {
    this.text(text, x, y, this.scene.colours.faint, align);
    this.scene.labels.push({ text, x, y, align });
  }

  times() {
    const { layout, range, colours, font } = this.scene;
    const { times, map, strips } = layout;
    const room = Math.max(map.width / (font * 8), Math.min(4, map.width / (font * 4.9))); // a narrow one needs some, too
    const { ticks, step } = timeTicks(range.from, range.to, room, zoneOffset(range.to));
    const bottom = strips.length ? strips[strips.length - 1].top + strips[strips.length - 1].height : map.top + map.height;
    const decimals = step < 1000 ? 1 : 0;
    const half = font * (decimals ? 2.9 : 2.4);
    for (const at of ticks) {
      const x = this.x(at);
      this.fill(x, map.top, 1, bottom - map.top, colours.grid);
      if (x > half && x < map.width - half) this.label(time(at, decimals), x, times.top + times.height / 2, "center");
    }
    const now = this.x(this.scene.now);
    if (now > map.left && now < map.left + map.width) this.fill(now, map.top, 1, bottom - map.top, colours.now);
  }

  prices() {
    const { layout, range, colours, font, tick } = this.scene;
    const { prices, map } = layout;
    const { ticks, step } = numberTicks(range.low, range.high, map.height / (font * 3.2), tick);
    const decimals = Math.min(decimalsOfStep(step), 8);
    for (const price of ticks) {
      const y = this.y(price);
      this.fill(map.left, y, map.width, 1, colours.grid);
      this.fill(prices.left, y, 4, 1, colours.rule);
      const hidden = [this.touchY(), this.vwapY()].some((tag) => Math.abs(y - tag) < font * 1.4);
      if (!hidden && y > map.top + font * 0.6 && y < map.top + map.height - font * 0.6) {
        this.label(number(price, decimals), prices.left + 7, y);
      }
    }
    this.fill(prices.left, map.top, 1, map.height, colours.rule);
  }

  /** Where the touch's tag is, px; NaN where there is none. */
  touchY() {
    const { newest, layout: { map }, font } = this.scene;
    if (!newest?.bid_levels || !newest.ask_levels) return NaN;
    const y = this.y((newest.bid_levels[0][0] + newest.ask_levels[0][0]) / 2);
    return Math.round(Math.min(map.top + map.height - font * 0.75, Math.max(map.top + font * 0.75, y)));
  }

  /** The mid, as a tag on the price axis. */
  touch() {
    const { newest, colours, decimals, isHeld, layout: { prices, map } } = this.scene;
    if (!newest?.bid_levels || !newest.ask_levels) return;
    const mid = (newest.bid_levels[0][0] + newest.ask_levels[0][0]) / 2;
    const y = this.y(mid);
    const away = y < map.top ? -1 : y > map.top + map.height ? 1 : 0;
    const [back, text] = isHeld ? [colours.heldTag, colours.heldTagText] : [colours.tag, colours.tagText];
    this.tag(number(mid, decimals + 1), prices, this.touchY(), back, text);
    if (away) this.arrow(prices.left + 1, this.touchY(), away, text);
  }

  /** Where the tag of the volume-weighted price is, px; NaN where there is none. */
  vwapY() {
    const { vwap, layout: { map }, font } = this.scene;
    if (vwap === null) return NaN;
    const y = this.y(vwap);
    if (y < map.top || y > map.top + map.height) return NaN;
    const half = font * 0.75; // of a tag's height
    const [top, bottom, touch] = [map.top + half, map.top + map.height - half, this.touchY()];
    if (!(Math.abs(y - touch) < font * 1.6)) return Math.round(Math.min(bottom, Math.max(top, y)));
    const beside = [-1.6, 1.6].map((away) => touch + away * font).filter((at) => at >= top && at <= bottom);
    return Math.round(beside.find((at) => at < touch === y < touch) ?? beside[0] ?? y);
  }

  vwap() {
    const { vwap, colours, decimals, font, layout: { prices, map } } = this.scene;
    const y = this.vwapY();
    if (vwap === null || Number.isNaN(y)) return;
    this.tag(number(vwap, decimals), prices, y, colours.vwap, colours.back);
    this.chip("VWAP", map.left + map.width - this.context.measureText("VWAP").width - 8, y - (y > this.touchY() ? -font : font) * 0.2, colours.vwap);
  }

  /** A small triangle: what a tag names is above or below what is seen. @param {number} x @param {number} y
   * @param {number} down  1, or -1 for up @param {string} colour
   */
  arrow(x, y, down, colour) {
    const { context } = this;
    context.fillStyle = colour;
    context.beginPath();
    context.moveTo(x + 1, y - 2 * down);
    context.lineTo(x + 6, y - 2 * down);
    context.lineTo(x + 3.5, y + 3 * down);
    context.fill();
  }

  /** @param {string} text @param {Box} box @param {number} y @param {string} back @param {string} colour */
  tag(text, box, y, back, colour) {
    const half = Math.round(this.scene.font * 0.75);
    this.fill(box.left + 1, y - half, box.width - 2, 2 * half, back);
    this.text(text, box.left + 7, y, colour);
  }

  /** Hide all labels of the axes that a tag would cut. @param {Box} tag */
  cover(tag) {
    const { labels, colours, font } = this.scene;
    for (const { text, x, y, align } of labels) {
      const [top, height] = [y - font * 0.65, font * 1.3];
      if (top >= tag.top + tag.height || top + height <= tag.top) continue;
      const { width } = this.context.measureText(text);
      const left = align === "center" ? x - width / 2 : x;
      if (left < tag.left + tag.width + 3 && left + width > tag.left - 3) this.fill(left - 1, top, width + 2, height, colours.back);
    }
  }

  /** Under the map: each strip's zero, ends and last value, and beside it what it shows. */
  strips() {
    const { layout, colours, font, shapes, base, decimals, flow } = this.scene;
    const { prices, book, foot } = layout;
    const columns = foot.width;
    const roomy = columns > font * 11;
    const usdt = (/** @type {number} */ value) => number(value, decimals);
    /** @type {Record<string, [string, string, (value: number) => string]>} */
    const titles = {
      delta: [roomy ? "volume delta" : "delta", `${base} bought − sold`, signedSize],
      imbalance: ["imbalance", "bids against asks", (value) => signed(value, Math.abs(value) === 1 ? 0 : 2)],
      ofi: [roomy && flow === "ofi" ? "OFI, ten levels" : "OFI", `${base} a second`, signedSize],
      spread: ["spread", "USDT", usdt],
    };
    layout.strips.forEach((box, index) => {
      const name = STRIPS[index];
      const { range: [low, high], ends, last } = shapes.strips[name];
      const [title, unit, said] = titles[name];
      const at = (/** @type {number} */ value) => box.top + ((high - value) / (high - low)) * box.height;
      const whole = box.width + prices.width + columns;
      this.fill(box.left, box.top - 3, whole, 1, colours.grid);
      this.fill(box.left, at(0), box.width, 1, colours.rule);
      const half = font * 0.6;
      const keep = (/** @type {number} */ y) => Math.min(box.top + box.height - half, Math.max(box.top + half, y));
      const tag = last === null ? NaN : Math.round(keep(at(last)));
      const taken = [tag];
      for (const end of [ends[1], ends[0], 0]) {
        const y = keep(at(end));
        if (taken.some((other) => Math.abs(other - y) < font * 1.25)) continue;
        taken.push(y);
        this.label(end ? said(end) : "0", prices.left + 7, y);
      }
      if (last !== null) {
        const back = said(last).startsWith("+") ? colours.aboveTag : said(last).startsWith("−") ? colours.belowTag : colours.tag;
        this.tag(said(last), prices, tag, back, colours.tagText);
      }
      const line = font * 1.3;
      const isTwo = roomy && unit && box.height >= 2 * line;
      const first = isTwo ? box.top + box.height / 2 - line / 2 : box.top + box.height / 2;
      this.text(title, book.left + 6, first, colours.text);
      if (isTwo) this.text(unit, book.left + 6, first + line, colours.faint);
    });
  }

  /** A text that is readable over whatever is behind it. @param {string} text @param {number} x @param {number} y
   * @param {string} colour
   */
  chip(text, x, y, colour) {
    const { colours, font } = this.scene;
    this.context.globalAlpha = 0.82;
    this.fill(x - 2, y - font * 0.65, this.context.measureText(text).width + 6, font * 1.3, colours.back);
    this.context.globalAlpha = 1;
    this.text(text, x + 1, y, colour);
  }

  /** The columns beside the map: above them what they are, below them what their full widths mean. */
  columns() {
    const { layout: { book, traded, foot, prices }, colours, shapes, base, bookTitle, bookIsPast, font } = this.scene;
    const y = book.top - font * 0.75;
    const fits = (/** @type {string} */ text, /** @type {number} */ width) => this.context.measureText(text).width < width;
    this.text("USDT", prices.left + 7, y, colours.faint);
    const titles = bookIsPast ? [bookTitle] : [bookTitle, bookTitle.replace(" now", "")];
    const title = titles.find((text) => fits(text, book.width + 4));
    if (title) this.text(title, book.left, y, bookIsPast ? colours.detection : colours.text);
    else { // it reaches over the price axis
      this.fill(prices.left, 0, prices.width, book.top - 1, colours.back);
      this.text(bookTitle, traded.left + traded.width, y, bookIsPast ? colours.detection : colours.text, "right");
    }
    if (title && fits("traded", traded.width + 4)) this.text("traded", traded.left, y, colours.text);
    this.fill(book.left, book.top - 1, foot.width, 1, colours.rule);
    const { full, book: shown } = shapes;
    this.columnScale(book, shown ? [`${shortSize(full)} ${base}`, shortSize(full)] : [""]);
    this.columnScale(traded, [`${shortSize(shapes.mostTraded)} ${base}`, shortSize(shapes.mostTraded)]);
  }

  /** The scale below a column, from 0 to `ends`, of which the first is written that fits.
   * @param {Box} column @param {string[]} ends
   */
  columnScale({ left, top, width, height }, ends) {
    const { layout: { foot }, colours, font } = this.scene;
    const y = foot.top + foot.height / 2 + 2;
    this.fill(left, foot.top, width, 1, colours.rule);
    for (const share of [0, 0.5, 1]) {
      const x = Math.round(left + share * (width - 1));
      this.fill(x, top, 1, height, colours.grid);
      this.fill(x, foot.top, 1, 4, colours.rule);
    }
    const zero = font * 0.95; // as wide as 0 and a space
    const end = ends.find((text) => this.context.measureText(text).width < width - zero) ?? ends[ends.length - 1];
    const room = width - this.context.measureText(end).width;
    if (end && room > zero) this.text("0", left, y, colours.faint);
    this.text(end, left + width, y, colours.faint, "right");
  }

  /** Sizes as numbers: of bars that are cut, and of all where the rows are high enough for them. */
  bookNumbers() {
    const { layout: { book, traded }, colours, shapes: { column, full, mostTraded } } = this.scene;
    const isHigh = column.pixels >= LEAST_NUMBER_ROW;
    this.cutNumbers(traded, column.rows.map(({ low, high, bought, sold }) => ({ low, high, size: bought + sold })), mostTraded);
    const sizes = column.rows.map(({ low, high, bid, ask }) => ({ low, high, size: Math.max(bid, ask) }));
    if (!isHigh) return this.cutNumbers(book, sizes, full);
    for (const { low, high, size } of sizes) {
      const y = this.y((low + high) / 2);
      if (size && this.isIn(book, y)) this.text(`${shortSize(size)}${size > full ? " ▸" : ""}`, book.left + 6, y, colours.text);
    }
    return undefined;
  }

  /** The sizes of bars that reach past their column. @param {Box} column @param {{low: number, high: number, size: number}[]} sizes
   * @param {number} full
   */
  cutNumbers(column, sizes, full) {
    const { colours, font } = this.scene;
    let last = Infinity;
    for (const { low, high, size } of sizes.filter((each) => each.size > full).sort((a, b) => a.low - b.low)) {
      const y = this.y((low + high) / 2);
      if (!this.isIn(column, y) || last - y < font * 1.4) continue;
      last = y;
      const text = `${shortSize(size)} ▸`;
      this.chip(text, column.left + column.width - this.context.measureText(text).width - 2, y, colours.text);
    }
  }

  /** @param {Box} box @param {number} y */
  isIn({ top, height }, y) {
    return y >= top + 5 && y <= top + height - 5;
  }

  /** One mark a detection, in a lane of their own: above each other where they come at once, and a number where there is no
   * room for more. @returns {LaneMark[]}
   */
  lane() {
    const { layout: { lane }, colours, detections, font } = this.scene;
    const { context } = this;
    const entries = detections.toSorted((a, b) => a.started_at - b.started_at);
    const places = placeMarks(entries.map((entry) => this.x(entry.started_at)), font * 1.1, Math.floor(lane.height / (font * MARK_ROW)));
    /** @type {LaneMark[]} */
    const marks = [];
    context.save();
    context.beginPath();
    context.rect(lane.left, lane.top, lane.width, lane.height);
    context.clip();
    const drawn = new Set();
    for (const [index, entry] of entries.entries()) {
      const { at: x, row, others } = places[index];
      if (x < lane.left - 6 || x > lane.left + lane.width + 6) continue;
      const y = lane.top + lane.height - font * (0.2 + MARK_ROW * (row + 0.5));
      marks.push({ x, y, entry });
      if (drawn.has(places[index])) continue;
      drawn.add(places[index]);
      context.globalAlpha = isOpen(entry) || others ? 1 : 0.85;
      context.font = `${Math.round(font * 0.95)}px ${FONT}`;
      if (others) this.text(`+${others + 1}`, x, y, colours.faint, "center");
      else this.text(markOf(entry), x, y, colours[colourSide(entry)], "center");
    }
    context.restore();
    return marks;
  }
}

/** Draw the crosshair: rules through all panels and its values on the axes.
 * @param {CanvasRenderingContext2D} context @param {Scene} scene
 * @param {Crosshair} at
 */
export function drawCrosshair(context, scene, at) {
  const axes = new MapAxes(context, scene);
  const { layout, colours, decimals, tick, font } = scene;
  const { map, prices, foot, times, lane } = layout;
  const showsPrice = at.price !== null && at.y >= map.top && at.y <= map.top + map.height;
  context.setLineDash([3, 3]);
  context.strokeStyle = colours.crosshair;
  context.beginPath();
  if (at.x < map.left + map.width) {
    context.moveTo(Math.round(at.x) + 0.5, lane.top);
    context.lineTo(Math.round(at.x) + 0.5, times.top);
  }
  if (showsPrice) {
    context.moveTo(map.left, Math.round(at.y) + 0.5);
    context.lineTo(foot.left + foot.width, Math.round(at.y) + 0.5);
  }
  context.stroke();
  context.setLineDash([]);
  if (at.price !== null && showsPrice) {
    const y = apart(Math.round(at.y), [axes.touchY(), axes.vwapY()], Math.round(font * 1.6));
    axes.cover({ left: prices.left + 1, top: y - font * 0.75, width: prices.width - 2, height: font * 1.5 });
    axes.tag(number(Math.round(at.price / tick) * tick, decimals), prices, y, colours.cross, colours.back);
  }
  if (at.x >= map.left + map.width) return;
  const mark = at.entry && scene.marks.find(({ entry }) => entry.id === at.entry?.id);
  if (mark) {
    context.strokeStyle = colours.text;
    const half = Math.round(font * 0.72);
    context.strokeRect(Math.round(mark.x) - half - 0.5, Math.round(mark.y) - half - 0.5, 2 * half + 1, 2 * half + 1);
  }
  const text = time(at.time, 1);
  const width = context.measureText(text).width + 10;
  const left = Math.min(map.width - width, Math.max(0, at.x - width / 2));
  axes.cover({ left, top: times.top + 1, width, height: times.height - 2 });
  axes.fill(left, times.top + 1, width, times.height - 2, colours.cross);
  axes.text(text, left + 5, times.top + times.height / 2, colours.back);
}

/** Return a tag's place next to `y` that is at least `distance` from each of `others` and on the same side of each; `y` itself,
 * over the others, where there is none. NaN is no tag. Exported for its test.
 * @param {number} y @param {number[]} others @param {number} distance
 */
export function apart(y, others, distance) {
  const near = others.filter((other) => !Number.isNaN(other)).sort((a, b) => a - b);
  const isFree = (/** @type {number} */ at) => near.every((other) => Math.abs(other - at) >= distance);
  if (isFree(y)) return y;
  const isInOrder = (/** @type {number} */ at) => near.every((other) => other === y || (other < y) === (other < at));
  const places = near.flatMap((other) => [other - distance, other + distance]).filter((at) => isFree(at) && isInOrder(at));
  return places.sort((a, b) => Math.abs(a - y) - Math.abs(b - y))[0] ?? y;
}
