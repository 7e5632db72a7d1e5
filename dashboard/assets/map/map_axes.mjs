// The map's texts and rules: axes, strips, the book's scale, detections' lane. Drawn on a canvas of their own.

import { isOpen, KINDS } from "../book/detections.mjs";
import { number, shortSize, signed, time, zoneOffset } from "../ui/formats.mjs";
import { FONT } from "../ui/themes.mjs";
import { decimalsOfStep, numberTicks, timeTicks } from "./axis_ticks.mjs";
import { LEAST_NUMBER_ROW } from "./book_column.mjs";
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
 * @property {Detection[]} detections  the latest entry of each
 * @property {Set<string>} kinds
 * @property {string} bookTitle
 * @property {boolean} bookIsPast
 * @property {boolean} isHeld  what is of now is not of this picture
 */

/** Where a detection's mark is drawn, for the pointer. @typedef {{x: number, entry: Detection}} LaneMark */

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
    this.bookScale();
    this.bookNumbers();
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

  times() {
    const { layout, range, colours, font } = this.scene;
    const { times, map, strips } = layout;
    const { ticks, step } = timeTicks(range.from, range.to, map.width / (font * 8), zoneOffset(range.to));
    const bottom = strips.length ? strips[strips.length - 1].top + strips[strips.length - 1].height : map.top + map.height;
    const decimals = step < 1000 ? 1 : 0;
    const half = font * (decimals ? 2.9 : 2.4);
    for (const at of ticks) {
      const x = this.x(at);
      this.fill(x, map.top, 1, bottom - map.top, colours.grid);
      if (x > half && x < map.width - half) this.text(time(at, decimals), x, times.top + times.height / 2, colours.faint, "center");
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
      const hidden = Math.abs(y - this.touchY()) < font * 1.4; // under the touch's tag
      if (!hidden && y > map.top + font * 0.6 && y < map.top + map.height - font * 2.2) {
        this.text(number(price, decimals), prices.left + 7, y, colours.faint);
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

  /** The touch, as tags on the price axis. */
  touch() {
    const { newest, colours, decimals, layout: { prices, map } } = this.scene;
    if (!newest?.bid_levels || !newest.ask_levels) return;
    const mid = (newest.bid_levels[0][0] + newest.ask_levels[0][0]) / 2;
    const y = this.y(mid);
    const mark = y < map.top ? "▲" : y > map.top + map.height ? "▼" : "";
    this.context.globalAlpha = this.scene.isHeld ? 0.4 : 1;
    this.tag(`${mark}${number(mid, decimals + 1)}`, prices, this.touchY(), colours.tag, colours.tagText);
    this.context.globalAlpha = 1;
  }

  /** @param {string} text @param {Box} box @param {number} y @param {string} back @param {string} colour */
  tag(text, box, y, back, colour) {
    const half = Math.round(this.scene.font * 0.75);
    this.fill(box.left + 1, y - half, box.width - 2, 2 * half, back);
    this.text(text, box.left + 7, y, colour);
  }

  strips() {
    const { layout, colours, font, shapes, base } = this.scene;
    const titles = {
      delta: `volume delta, ${base}`, spread: "spread, USDT", imbalance: "imbalance, −1 to 1", ofi: `OFI a second, ${base}`,
    };
    layout.strips.forEach((box, index) => {
      const name = STRIPS[index];
      const [low, high] = shapes.stripRanges[name] ?? [0, 1];
      this.fill(box.left, box.top - 3, box.width + layout.prices.width, 1, colours.rule);
      const { ticks, step } = numberTicks(low, high, box.height / (font * 1.7));
      const decimals = decimalsOfStep(step);
      for (const value of ticks) {
        const y = box.top + ((high - value) / (high - low)) * box.height;
        this.fill(box.left, y, box.width, 1, colours.grid);
        if (y < box.top + font * 0.4 || y > box.top + box.height - font * 0.4) continue;
        const text = Math.abs(value) >= 10_000 ? shortSize(value) : name === "spread" ? number(value, decimals) : signed(value, decimals);
        this.text(text, layout.prices.left + 7, y, colours.faint);
      }
      this.chip(titles[name], box.left + 4, box.top + font * 0.7);
    });
  }

  /** A text that is readable over whatever is behind it. @param {string} text @param {number} x @param {number} y */
  chip(text, x, y) {
    const { colours, font } = this.scene;
    this.context.globalAlpha = 0.82;
    this.fill(x - 2, y - font * 0.65, this.context.measureText(text).width + 6, font * 1.3, colours.back);
    this.context.globalAlpha = 1;
    this.text(text, x + 1, y, colours.faint);
  }

  /** Above the book: what its bars' full width means. */
  bookScale() {
    const { layout: { book, prices }, colours, font, shapes, base, bookTitle, bookIsPast } = this.scene;
    const y = book.top - font * 0.75;
    const roomy = book.width > font * 13;
    this.text("USDT", prices.left + 7, y, colours.faint);
    this.fill(book.left, book.top - 1, book.width, 1, colours.rule);
    const full = `${shortSize(shapes.full)} ${base}`;
    const wide = this.context.measureText(bookTitle).width > book.width - 4; // it reaches over the price axis
    if (bookIsPast && wide) {
      this.fill(prices.left, 0, prices.width, book.top - 1, colours.back);
      this.text(bookTitle, book.left + book.width - 3, y, colours.detection, "right");
    } else this.text(bookIsPast ? bookTitle : roomy ? "0" : "", book.left + 2, y, bookIsPast ? colours.detection : colours.faint);
    if (roomy || !bookIsPast) this.text(full, book.left + book.width - 3, y, colours.faint, "right");
    if (!bookIsPast && roomy) this.text(bookTitle, book.left + book.width * 0.42, y, colours.faint, "center");
    for (const share of [0, 0.5, 1]) {
      const at = Math.min(book.left + book.width - 1, book.left + share * book.width);
      this.fill(at, book.top - 1, 1, 4, colours.rule);
      if (share === 0.5) this.fill(at, book.top, 1, book.height, colours.grid);
    }
    const traded = `traded, full bar ${shortSize(shapes.mostTraded)}`;
    if (roomy) {
      this.context.textAlign = "left";
      this.chip(traded, book.left + book.width - this.context.measureText(traded).width - 8, book.top + book.height - font * 0.8);
    }
  }

  /** Sizes as numbers where the rows are high enough for them. */
  bookNumbers() {
    const { layout: { book, map }, colours, shapes: { column } } = this.scene;
    if (column.pixels < LEAST_NUMBER_ROW) return;
    for (const { low, high, bid, ask } of column.rows) {
      const size = Math.max(bid, ask);
      const y = this.y((low + high) / 2);
      if (!size || y < map.top + 5 || y > map.top + map.height - 5) continue;
      this.text(shortSize(size), book.left + 6, y, colours.text);
    }
  }

  /** One mark a detection, in a lane of their own. @returns {LaneMark[]} */
  lane() {
    const { layout: { lane }, colours, detections, kinds, font } = this.scene;
    /** @type {LaneMark[]} */
    const marks = [];
    const { context } = this;
    context.save();
    context.beginPath();
    context.rect(lane.left, lane.top, lane.width, lane.height);
    context.clip();
    for (const entry of detections) {
      const x = this.x(entry.started_at);
      if (!kinds.has(entry.kind) || x < lane.left - 6 || x > lane.left + lane.width + 6) continue;
      marks.push({ x, entry });
      context.globalAlpha = isOpen(entry) ? 1 : 0.85;
      context.font = `${Math.round(font * 0.95)}px ${FONT}`;
      const down = entry.kind === "sweep" && entry.side === "bid";
      this.text(down ? "▼" : KINDS[entry.kind] ?? "•", x, lane.top + lane.height / 2, entry.side === "bid" ? colours.bid : colours.ask, "center");
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
  const { layout, colours, decimals, tick } = scene;
  const { map, prices, book, times, lane } = layout;
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
    context.lineTo(book.left + book.width, Math.round(at.y) + 0.5);
  }
  context.stroke();
  context.setLineDash([]);
  if (at.price !== null && showsPrice) {
    axes.tag(number(Math.round(at.price / tick) * tick, decimals), prices, Math.round(at.y), colours.cross, colours.back);
  }
  if (at.x >= map.left + map.width) return;
  if (at.entry) {
    context.strokeStyle = colours.text;
    context.strokeRect(Math.round(at.x) - scene.font * 0.75, lane.top + 1.5, scene.font * 1.5, lane.height - 3);
  }
  const text = time(at.time, 1);
  const width = context.measureText(text).width + 10;
  const left = Math.min(map.width - width, Math.max(0, at.x - width / 2));
  axes.fill(left, times.top + 1, width, times.height - 2, colours.cross);
  axes.text(text, left + 5, times.top + times.height / 2, colours.back);
}
