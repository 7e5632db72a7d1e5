// The depth curve: price across, cumulative size up, from the middle outwards; what lies at a price under the pointer.

import { curveAt, curveBoxes, curveLine, curveOf, curveRange } from "../book/curve.mjs";
import { toUnits } from "../book/units.mjs";
import { GlCanvas } from "../map/gl_canvas.mjs";
import { ShapeLayer } from "../map/shape_layer.mjs";
import { blank, fitted } from "../ui/dom.mjs";
import { bothTimes, number, shortSize, size } from "../ui/formats.mjs";
import { premultiplied, THEMES } from "../ui/themes.mjs";
import { chartOf, drawHover, writeAxes } from "./small_chart.mjs";

/** @import {Curve} from "../book/curve.mjs" */
/** @import {Instant} from "../book/instant.mjs" */
/** @import {Theme} from "../ui/themes.mjs" */
/** @import {Chart} from "./small_chart.mjs" */

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
    /** @type {{side: string, filled: number, worst: number, bps: number | null} | null} the simulated order */
    this.order = null;
    this.isNow = true; // the book is the newest, of which the order was
    this.at = NaN; // ms, that the book is of
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
      canvas.ratio, canvas.gl, this.isNow ? "" : bothTimes(this.at, 1)];
    if (!again && is.every((each, index) => each === this.drawn[index])) return;
    this.drawn = is;
    canvas.clear();
    this.lines = [];
    const [context, width, height] = fitted(this.texts);
    const [low, high] = book ? curveRange(book, this.range) : [0, 1];
    this.curve = book ? curveOf(book, low, high) : null;
    const { curve } = this;
    if (!curve) return blank(this.texts);
    const most = Math.max(curve.bids.sizes.at(-1) ?? 0, curve.asks.sizes.at(-1) ?? 0) * 1.06 || 1;
    const font = parseFloat(getComputedStyle(this.texts).fontSize) || 11;
    const chart = chartOf(context, { font, width, height, theme: this.theme }, { from: low, to: high, high: most });
    const { panel } = chart;
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
    writeAxes(context, chart, this.base);
    if (!this.isNow) {
      context.fillStyle = colours.detection;
      context.textAlign = "center";
      context.fillText(`at ${bothTimes(this.at, 1)}`, panel.left + panel.width / 2, panel.top + font * 0.7);
      context.textAlign = "left";
    }
    if (this.pointer !== null && this.pointer < panel.width) this.hover(context, chart, this.pointer);
  }

  /** @param {CanvasRenderingContext2D} context @param {Chart} chart @param {number} pointer */
  hover(context, chart, pointer) {
    const { curve } = this;
    if (!curve) return;
    const { panel, x, y } = chart;
    const price = panel.from + ((pointer - panel.left) / panel.width) * (panel.to - panel.from);
    const at = curveAt(curve, price);
    if (!at) return;
    const average = at.cost / at.size;
    const side = at.side === "bid" ? "sell" : "buy";
    this.lines = [
      bothTimes(this.at, 1),
      `${at.side} ${number(at.price, this.decimals)}  ·  ${size(at.own)} ${this.base}`,
      `${size(at.size)} ${this.base} from the touch to here`,
      this.rested(toUnits(at.price), at.side === "bid" ? 0 : 1),
      `to ${side} it: ${shortSize(at.cost)} USDT`,
      `average ${number(average, this.decimals)}, ${number((Math.abs(average - curve.mid) / curve.mid) * 1e4, 2)} bp`,
    ];
    drawHover(context, chart, pointer, [[x(at.price), y(at.size)]]);
  }
}
