// What small charts write over their shapes: axes with their units, and what is under the pointer.

import { decimalsOfStep, numberTicks } from "../map/axis_ticks.mjs";
import { number, shortSize } from "../ui/formats.mjs";
import { FONT, THEMES } from "../ui/themes.mjs";

/** @import {Panel} from "../map/gl_canvas.mjs" */
/** @import {Theme} from "../ui/themes.mjs" */

/** @typedef {{panel: Panel, font: number, theme: Theme, x: (across: number) => number, y: (up: number) => number}} Chart */

/** Return where a chart of this size draws and writes: room for numbers is at its right and below it.
 * @param {CanvasRenderingContext2D} context @param {{font: number, width: number, height: number, theme: Theme}} page
 * @param {{from: number, to: number, low?: number, high: number}} shown @returns {Chart}
 */
export function chartOf(context, { font, width, height, theme }, { from, to, low = 0, high }) {
  const panel = {
    left: 0, top: 4, width: width - Math.round(font * 4), height: height - 4 - Math.round(font * 1.8), from, to, low, high,
  };
  context.font = `${font}px ${FONT}`;
  context.textBaseline = "middle";
  return {
    panel, font, theme,
    x: (across) => panel.left + ((across - from) / (to - from)) * panel.width,
    y: (up) => panel.top + (1 - (up - low) / (high - low)) * panel.height,
  };
}

/** Return the ticks of an axis from `low` up to `high` in so many px, and of them those that are written; the highest is always one.
 * @param {number} low @param {number} high @param {number} height @param {number} font  px
 */
export function upTicks(low, high, height, font) {
  const room = height / (font * 2);
  const above = (/** @type {number[]} */ ticks) => ticks.filter((each) => each > low && (1 - (each - low) / (high - low)) * height < height - font);
  const { ticks } = numberTicks(low, high, room);
  const written = above(ticks);
  if (written.length) return { ticks, written };
  // The step that the room asks for is higher than the chart: the highest number of a finer one stands alone.
  const top = above(numberTicks(low, high, 5).ticks).slice(-1);
  return { ticks: [low, ...top], written: top };
}

/** Write both axes. `up` is the unit of the vertical one.
 * @param {CanvasRenderingContext2D} context @param {Chart} chart @param {string} up @param {(across: number, step: number) => string} [text]
 */
export function writeAxes(context, { panel, font, theme, x, y }, up, text = (across, step) => number(across, decimalsOfStep(step))) {
  const colours = THEMES[theme];
  const { left, top, width, height } = panel;
  const across = numberTicks(panel.from, panel.to, width / (font * 7.5));
  context.textAlign = "center";
  for (const each of across.ticks) {
    context.fillStyle = colours.grid;
    context.fillRect(Math.round(x(each)), top, 1, height);
    const said = text(each, across.step);
    const half = context.measureText(said).width / 2;
    context.fillStyle = colours.faint;
    context.fillText(said, Math.min(left + width - half, Math.max(half + 2, x(each))), top + height + font);
  }
  context.textAlign = "left";
  const { ticks, written } = upTicks(panel.low, panel.high, height, font);
  for (const each of ticks) {
    context.fillStyle = colours.grid;
    context.fillRect(left, Math.round(y(each)), width, 1);
    context.fillStyle = colours.faint;
    if (written.includes(each)) context.fillText(shortSize(each), left + width + 4, Math.max(0.6 * font, y(each)));
  }
  context.fillText(up, left + width + 4, top + height);
}

/** Draw a hair through the pointer and a dot at each of `dots`, in px.
 * @param {CanvasRenderingContext2D} context @param {Chart} chart @param {number} pointer  px from the left @param {[number, number][]} dots
 */
export function drawHover(context, { panel, theme }, pointer, dots) {
  context.fillStyle = THEMES[theme].crosshair;
  context.fillRect(Math.round(pointer), panel.top, 1, panel.height);
  for (const [x, y] of dots) {
    context.beginPath();
    context.arc(x, y, 3.5, 0, 7);
    context.fill();
  }
}
