// Which part of the map's panel shows what, in CSS pixels from its top left. Pure.

import { MARK_ROW } from "./lane.mjs";

/** @import {Box} from "./gl_canvas.mjs" */

/** `traded` is the volume's column at the book's right; `foot` says what both columns' full widths mean.
 * @typedef {{lane: Box, map: Box, strips: Box[], prices: Box, book: Box, traded: Box, foot: Box, times: Box, corner: Box}} Layout
 */

/** The strips under the map, from the top. The last is low: what it shows hardly ever moves. */
export const STRIPS = /** @type {const} */ (["delta", "imbalance", "ofi", "spread"]);
const GAP = 6; // between strips, and at the right of the columns
const TRADED_SHARE = [0.36, 0.5]; // of the columns beside the map, for the volume traded; and on a narrow page

/** @param {number} width @param {number} height @param {number} font  size of the axes' text in px
 * @param {number} letters  of the longest price @returns {Layout}
 */
export function mapLayout(width, height, font, letters) {
  const narrow = width < 620;
  const axis = Math.round(font * (letters * 0.58 + 0.9));
  const columns = Math.round(narrow ? Math.max(88, width * 0.2) : Math.min(400, Math.max(140, width * 0.18)));
  const between = Math.round(font); // the columns, so that their scales can be told apart
  const traded = Math.round((columns - between - GAP) * TRADED_SHARE[Number(narrow)]);
  const lane = Math.round(font * (0.5 + MARK_ROW * (height < 420 ? 1 : height < 640 ? 2 : 3)));
  const times = Math.round(font * 1.9);
  const foot = Math.round(font * 1.7);
  const count = height < 260 ? 0 : height < 420 ? 2 : height < 480 ? 3 : STRIPS.length;
  const strip = Math.round(Math.min(font * 6, Math.max(font * 2.8, height * 0.066)));
  const heights = STRIPS.slice(0, count).map((name) => (name === "spread" ? Math.round(font * 2.7) : strip));
  const plotWidth = Math.max(40, width - axis - columns);
  const stripsHeight = heights.reduce((sum, each) => sum + each + GAP, 0);
  const mapHeight = Math.max(40, height - lane - foot - times - stripsHeight);
  const box = (/** @type {number} */ left, /** @type {number} */ top, /** @type {number} */ wide, /** @type {number} */ high) => (
    { left, top, width: wide, height: high }
  );
  const below = lane + mapHeight + foot;
  let top = below;
  const strips = heights.map((high) => {
    const made = box(0, top, plotWidth, high);
    top += high + GAP;
    return made;
  });
  return {
    lane: box(0, 0, plotWidth, lane),
    map: box(0, lane, plotWidth, mapHeight),
    prices: box(plotWidth, lane, axis, mapHeight),
    book: box(plotWidth + axis, lane, columns - traded - between - GAP, mapHeight),
    traded: box(plotWidth + axis + columns - traded - GAP, lane, traded, mapHeight),
    foot: box(plotWidth + axis, lane + mapHeight, columns, foot),
    strips,
    times: box(0, height - times, plotWidth, times),
    corner: box(plotWidth, below, axis + columns, stripsHeight + times),
  };
}

/** Return which part of a layout a place is in; all beside the map's prices counts as the book's. @param {Layout} layout
 * @param {number} x @param {number} y
 */
export function partAt(layout, x, y) {
  const inside = (/** @type {Box} */ { left, top, width, height }) => x >= left && x < left + width && y >= top && y < top + height;
  if (inside({ ...layout.foot, top: layout.book.top, height: layout.book.height })) return { part: /** @type {const} */ ("book"), index: 0 };
  for (const name of /** @type {const} */ (["map", "lane", "prices", "book", "times", "corner"])) {
    if (inside(layout[name])) return { part: name, index: 0 };
  }
  const index = layout.strips.findIndex((strip) => inside({ ...strip, height: strip.height + GAP }));
  return index < 0 ? { part: /** @type {const} */ ("none"), index: 0 } : { part: /** @type {const} */ ("strip"), index };
}
