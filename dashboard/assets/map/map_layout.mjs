// Which part of the map's panel shows what, in CSS pixels from its top left. Pure.

/** @import {Box} from "./gl_canvas.mjs" */

/** @typedef {{lane: Box, map: Box, strips: Box[], prices: Box, book: Box, times: Box, corner: Box}} Layout */

/** The strips under the map, from the top. */
export const STRIPS = /** @type {const} */ (["delta", "spread", "imbalance", "ofi"]);

/** @param {number} width @param {number} height @param {number} font  size of the axes' text in px
 * @param {number} letters  of the longest price @returns {Layout}
 */
export function mapLayout(width, height, font, letters) {
  const narrow = width < 620;
  const axis = Math.round(font * (letters * 0.6 + 1.1));
  const book = Math.round(narrow ? Math.max(58, width * 0.16) : Math.min(340, Math.max(130, width * 0.17)));
  const lane = Math.round(font * 1.7);
  const times = Math.round(font * 1.9);
  const gap = 5;
  const count = height < 300 ? 1 : narrow ? 3 : STRIPS.length;
  const strip = height < 300 ? 0 : Math.round(Math.min(76, Math.max(font * 2.6, height * 0.062)));
  const plotWidth = Math.max(40, width - axis - book);
  const stripsHeight = (strip + gap) * count;
  const mapHeight = Math.max(40, height - lane - times - stripsHeight);
  const box = (/** @type {number} */ left, /** @type {number} */ top, /** @type {number} */ wide, /** @type {number} */ high) => (
    { left, top, width: wide, height: high }
  );
  const below = lane + mapHeight;
  return {
    lane: box(0, 0, plotWidth, lane),
    map: box(0, lane, plotWidth, mapHeight),
    prices: box(plotWidth, lane, axis, mapHeight),
    book: box(plotWidth + axis, lane, book, mapHeight),
    strips: Array.from({ length: count }, (_, index) => box(0, below + gap + index * (strip + gap), plotWidth, strip)),
    times: box(0, height - times, plotWidth, times),
    corner: box(plotWidth, below, axis + book, stripsHeight + times),
  };
}

/** Return which part of a layout a place is in. @param {Layout} layout @param {number} x @param {number} y */
export function partAt(layout, x, y) {
  const inside = (/** @type {Box} */ { left, top, width, height }) => x >= left && x < left + width && y >= top && y < top + height;
  for (const name of /** @type {const} */ (["map", "lane", "prices", "book", "times", "corner"])) {
    if (inside(layout[name])) return { part: name, index: 0 };
  }
  const index = layout.strips.findIndex(inside);
  return index < 0 ? { part: /** @type {const} */ ("none"), index: 0 } : { part: /** @type {const} */ ("strip"), index };
}
