// The curve of the order form: what market orders of each size cost against the shown book, for both sides.

import { costLine, largestSize, slippageAt } from "../book/cost_curve.mjs";
import { curveOf, curveRange } from "../book/curve.mjs";
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

const STEP_PX = 2; // of the lines
const FULL = 1.08; // of the highest cost is drawn up to

export class CostPanel {
  /** @param {HTMLCanvasElement} gl @param {HTMLCanvasElement} texts @param {() => void} onChange  wants to be drawn again */
  constructor(gl, texts, onChange) {
    this.element = gl;
    this.texts = texts;
    this.onChange = onChange;
    /** @type {GlCanvas | null} made once there is something to draw: most readers never ask */
    this.canvas = null;
    /** @type {ShapeLayer | null} */
    this.layer = null;
    /** @type {Instant | null} */
    this.book = null;
    /** @type {{side: string, filled: number, bps: number | null} | null} the order of the form */
    this.order = null;
    /** @type {Theme} */
    this.theme = "dark";
    this.base = "";
    this.at = NaN; // ms, that the book is of
    /** @type {number | null} where the pointer is, px from the left */
    this.pointer = null;
    /** @type {string[]} what is said of the place under the pointer */
    this.lines = [];
    /** @type {unknown[]} all that what is drawn hangs on */
    this.drawn = [];
    const point = (/** @type {number | null} */ at) => {
      this.pointer = at;
      onChange();
    };
    texts.addEventListener("pointermove", (event) => point(event.clientX - texts.getBoundingClientRect().left));
    texts.addEventListener("pointerleave", () => point(null));
  }

  /** Draw, unless nobody sees it or the same is drawn already. */
  draw() {
    const { clientWidth, clientHeight } = this.texts;
    if (!clientWidth || !clientHeight) return;
    this.canvas ??= new GlCanvas(this.element, () => {
      this.drawn = [];
      this.onChange();
    });
    this.layer ??= new ShapeLayer(this.canvas);
    const { canvas, book } = this;
    const is = [book, this.order, this.theme, this.base, this.pointer, clientWidth, clientHeight, canvas.ratio, canvas.gl];
    if (is.every((each, index) => each === this.drawn[index])) return;
    this.drawn = is;
    this.lines = [];
    canvas.clear();
    const curve = book && curveOf(book, ...curveRange(book, "all known"));
    const most = curve ? largestSize(curve, this.order?.filled ?? 0) : 0;
    const [context, width, height] = fitted(this.texts);
    if (!curve || !most) return blank(this.texts);
    const steps = Math.max(1, Math.floor(width / STEP_PX));
    const [buys, sells] = [curve.asks, curve.bids].map((side) => costLine(side, curve.mid, most, steps));
    const high = (Math.max(buys.highest, sells.highest) || 1) * FULL;
    const font = parseFloat(getComputedStyle(this.texts).fontSize) || 11;
    const chart = chartOf(context, { font, width, height, theme: this.theme }, { from: 0, to: most, high });
    this.drawShapes(chart, buys.flat, sells.flat);
    writeAxes(context, chart, "bp", (across) => `${shortSize(across)} ${this.base}`);
    this.writeKey(context, chart);
    if (this.pointer !== null && this.pointer < chart.panel.width) this.hover(context, chart, curve, this.pointer);
  }

  /** Say which line is whose. @param {CanvasRenderingContext2D} context @param {Chart} chart */
  writeKey(context, { panel, font, theme }) {
    const { ask, bid } = THEMES[theme];
    let left = panel.left + 4;
    for (const [text, colour] of /** @type {[string, string][]} */ ([["to buy", bid], ["to sell", ask]])) {
      context.fillStyle = colour;
      context.fillText(text, left, panel.top + 0.8 * font);
      left += context.measureText(text).width + font;
    }
  }

  /** @param {Chart} chart @param {number[]} buys @param {number[]} sells */
  drawShapes({ panel, theme }, buys, sells) {
    const { layer, order } = this;
    const colours = THEMES[theme];
    layer?.write("buys", "boxes", buys);
    layer?.write("sells", "boxes", sells);
    layer?.draw("sells", panel, { fill: premultiplied(colours.ask), stroke: 1.5 }); // as takers who sell
    layer?.draw("buys", panel, { fill: premultiplied(colours.bid), stroke: 1.5 });
    if (!order || order.bps === null) return;
    layer?.write("order", "boxes", [0, 0, order.filled, order.bps]);
    layer?.draw("order", panel, { fill: premultiplied(colours.orderFill), edge: premultiplied(colours.order), edgeWidth: 1 });
  }

  /** @param {CanvasRenderingContext2D} context @param {Chart} chart @param {Curve} curve @param {number} pointer */
  hover(context, chart, curve, pointer) {
    const { panel, x, y } = chart;
    const amount = ((pointer - panel.left) / panel.width) * panel.to;
    const costs = [curve.asks, curve.bids].map((side) => slippageAt(side, curve.mid, amount));
    this.lines = [
      bothTimes(this.at, 1),
      `${size(amount)} ${this.base}`,
      ...costs.map((cost, index) => `to ${["buy", "sell"][index]}: ${cost === null ? "beyond what is known" : `${number(cost, 2)} bp`}`),
    ];
    const dots = costs.filter((cost) => cost !== null).map((cost) => /** @type {[number, number]} */ ([x(amount), y(cost)]));
    drawHover(context, chart, pointer, dots);
  }
}
