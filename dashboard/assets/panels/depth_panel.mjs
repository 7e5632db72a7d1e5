// The depth curve: price across, cumulative size up, from the middle outwards; what lies at a price under the pointer.

import { curveAt, curveBoxes, curveLine, curveOf, curveRange } from "../book/curve.mjs";
import { toUnits } from "../book/units.mjs";
import { decimalsOfStep, numberTicks } from "../map/axis_ticks.mjs";
import { GlCanvas } from "../map/gl_canvas.mjs";
import { ShapeLayer } from "../map/shape_layer.mjs";
import { fitted } from "../ui/dom.mjs";
import { number, shortSize, size } from "../ui/formats.mjs";
import { FONT, premultiplied, THEMES } from "../ui/themes.mjs";

/** @import {Curve} from "../book/curve.mjs" */
/** @import {Instant} from "../book/instant.mjs" */
/** @import {Theme} from "../ui/themes.mjs" */

export class DepthPanel {
  /** @param {HTMLCanvasElement} gl @param {HTMLCanvasElement} texts @param {() => void} onChange  wants to be drawn again */
  constructor(gl, texts, onChange) {
    this.canvas = new GlCanvas(gl, () => {
      this.drawn = [];
      onChange();
    });
    this.layer = new ShapeLayer(this.canvas);
    this.texts = texts;
    /** @type {Instant | null} */
    this.book = null;
    /** @type {Curve | null} */
    this.curve = null;
    this.range = "0.1 %";
    /** @type {Theme} */
    this.theme = "dark";
    this.decimals = 2;
    this.base = "";
    /** @type {{side: string, filled: number, worst: number} | null} the simulated order */
    this.order = null;
    this.isNow = true; // the book is the newest, of which the order was
    this.when = ""; // the book is of
    /** @type {(price: number, side: number) => string} says how long a level (units) has rested */
    this.rested = () => "";
    /** @type {string[]} what is said of the place under the pointer */
    this.lines = [];
    /** @type {number | null} where the pointer is, px from the left */
    this.pointer = null;
    /** @type {unknown[]} all that what is drawn hangs on */
    this.drawn = [];
    texts.addEventListener("pointermove", (event) => {
      this.pointer = event.clientX - texts.getBoundingClientRect().left;
      onChange();
    });
    texts.addEventListener("pointerleave", () => {
      this.pointer = null;
      onChange();
    });
  }

  /** Draw, unless the same is drawn already. @param {boolean} [again]  even then */
  draw(again = false) {
    const { canvas, book, layer } = this;
    const { clientWidth, clientHeight } = this.texts;
    const is = [book, this.range, this.theme, this.decimals, this.base, this.order, this.isNow, this.pointer, clientWidth, clientHeight,
      canvas.ratio, canvas.gl];
    if (!again && is.every((each, index) => each === this.drawn[index])) return;
    this.drawn = is;
    canvas.clear();
    this.lines = [];
    const [context, width, height] = fitted(this.texts);
    const [low, high] = book ? curveRange(book, this.range) : [0, 1];
    this.curve = book ? curveOf(book, low, high) : null;
    const { curve } = this;
    if (!curve) return;
    const font = parseFloat(getComputedStyle(this.texts).fontSize) || 11;
    const most = Math.max(curve.bids.sizes.at(-1) ?? 0, curve.asks.sizes.at(-1) ?? 0) * 1.06 || 1;
    const box = { left: 0, top: 4, width: width - Math.round(font * 4), height: height - 4 - Math.round(font * 1.8) };
    const panel = { ...box, from: low, to: high, low: 0, high: most };
    const colours = THEMES[this.theme];
    const lowest = Math.max(low, book ? book.low / 1e8 : low);
    const highest = Math.min(high, book ? book.high / 1e8 : high);
    layer.write("bids", "boxes", curveBoxes(curve.bids, lowest));
    layer.write("asks", "boxes", curveBoxes(curve.asks, highest));
    layer.write("bid line", "boxes", curveLine(curve.bids, lowest));
    layer.write("ask line", "boxes", curveLine(curve.asks, highest));
    layer.draw("bids", panel, { fill: premultiplied(colours.bidFill) });
    layer.draw("asks", panel, { fill: premultiplied(colours.askFill) });
    layer.draw("bid line", panel, { fill: premultiplied(colours.bid), stroke: 1.5 });
    layer.draw("ask line", panel, { fill: premultiplied(colours.ask), stroke: 1.5 });
    if (this.order && this.isNow) {
      layer.write("order", "boxes", [curve.mid, 0, this.order.worst, this.order.filled]);
      layer.draw("order", panel, { fill: premultiplied(colours.orderFill), edge: premultiplied(colours.order), edgeWidth: 1 });
    }
    this.write(context, panel, font);
  }

  /** Write the axes, and what is under the pointer.
   * @param {CanvasRenderingContext2D} context @param {import("../map/gl_canvas.mjs").Panel} panel @param {number} font
   */
  write(context, panel, font) {
    const colours = THEMES[this.theme];
    const { left, top, width, height, from, to, high } = panel;
    const x = (/** @type {number} */ price) => left + ((price - from) / (to - from)) * width;
    const y = (/** @type {number} */ amount) => top + (1 - amount / high) * height;
    context.font = `${font}px ${FONT}`;
    context.textBaseline = "middle";
    const prices = numberTicks(from, to, width / (font * 7.5));
    context.textAlign = "center";
    for (const price of prices.ticks) {
      context.fillStyle = colours.grid;
      context.fillRect(Math.round(x(price)), top, 1, height);
      const text = number(price, decimalsOfStep(prices.step));
      const half = context.measureText(text).width / 2;
      context.fillStyle = colours.faint;
      context.fillText(text, Math.min(left + width - half, Math.max(half + 2, x(price))), top + height + font);
    }
    context.textAlign = "left";
    const sizes = numberTicks(0, high, height / (font * 2.6));
    for (const amount of sizes.ticks) {
      context.fillStyle = colours.grid;
      context.fillRect(left, Math.round(y(amount)), width, 1);
      context.fillStyle = colours.faint;
      if (amount > 0 && y(amount) > font) context.fillText(shortSize(amount), left + width + 4, y(amount));
    }
    context.fillText(this.base, left + width + 4, top + height);
    if (this.pointer !== null && this.pointer < width) this.hover(context, panel, font, x, y);
  }

  /** @param {CanvasRenderingContext2D} context @param {import("../map/gl_canvas.mjs").Panel} panel @param {number} font
   * @param {(price: number) => number} x @param {(size: number) => number} y
   */
  hover(context, panel, font, x, y) {
    const { curve } = this;
    if (!curve || this.pointer === null) return;
    const colours = THEMES[this.theme];
    const price = panel.from + ((this.pointer - panel.left) / panel.width) * (panel.to - panel.from);
    const at = curveAt(curve, price);
    if (!at) return;
    const average = at.cost / at.size;
    const side = at.side === "bid" ? "sell" : "buy";
    const lines = [
      this.when,
      `${at.side} ${number(at.price, this.decimals)}  ·  ${size(at.own)} ${this.base}`,
      `${size(at.size)} ${this.base} from the touch to here`,
      this.rested(toUnits(at.price), at.side === "bid" ? 0 : 1),
      `to ${side} it: ${shortSize(at.cost)} USDT`,
      `average ${number(average, this.decimals + 1)}, ${number((Math.abs(average - curve.mid) / curve.mid) * 1e4, 2)} bp`,
    ];
    this.lines = lines;
    context.fillStyle = colours.crosshair;
    context.fillRect(Math.round(this.pointer), panel.top, 1, panel.height);
    context.beginPath();
    context.arc(x(at.price), y(at.size), 3.5, 0, 7);
    context.fill();
    const wide = Math.max(...lines.map((line) => context.measureText(line).width)) + 12;
    const left = this.pointer + 8 + wide > panel.width ? this.pointer - 8 - wide : this.pointer + 8;
    context.fillStyle = colours.tag;
    context.fillRect(left, panel.top + 4, wide, lines.length * font * 1.4 + 6);
    context.fillStyle = colours.tagText;
    lines.forEach((line, index) => context.fillText(line, left + 6, panel.top + 8 + font * (0.7 + 1.4 * index)));
  }
}
