// The box beside the pointer: what the page shows there, in words.

import { restingSince, upTo } from "../book/instant.mjs";
import { rowOf } from "../book/raster.mjs";
import { isOpen, nameOf, summaryOf } from "../book/detections.mjs";
import { byId, make } from "../ui/dom.mjs";
import { bothTimes, duration, number, signed, size, time } from "../ui/formats.mjs";

/** @import {BookWindow} from "../book/book_window.mjs" */
/** @import {Instant} from "../book/instant.mjs" */
/** @import {Crosshair} from "../map/map_axes.mjs" */
/** @import {MarketMap} from "../map/market_map.mjs" */
/** @import {Detection} from "../../types/frames.d.ts" */

const TRADES_SHOWN = 6;
const NEAR_PX = 9;
const MOST_BESIDE = 4; // detections that share a mark, and are told with it

/** Return the lines that say what is under the crosshair, of the book that is shown, which is that of `shownAt` (ms).
 * @param {MarketMap} map @param {BookWindow} known @param {Crosshair} at @param {number} shownAt
 */
export function linesAt(map, known, at, shownAt) {
  if (at.part === "book" || at.part === "prices") return columnLines(map, known, at.y, shownAt);
  if (!at.entry) return mapLines(map, known, at);
  return [...markLines(map, at.entry), ...(at.part === "lane" ? [] : mapLines(map, known, at).slice(1))];
}

/** Return the lines of a time and price of the map, or of a time of what lies above and below it.
 * @param {MarketMap} map @param {BookWindow} known @param {Crosshair} place
 */
function mapLines(map, known, place) {
  const { book } = map;
  const lines = [bothTimes(place.time, 1)];
  const second = known.seconds.find(({ row }) => place.time <= row.timestamp && place.time > row.timestamp - 1000);
  if (second && second.row.status !== "live") lines.push(`${second.row.status}: ${second.row.reason}`);
  if (place.price === null) {
    if (second) lines.push(...stripLines(second.row, map));
    return lines;
  }
  const cell = map.cellAt(place.time, place.price);
  const { decimals, base } = map;
  if (!cell) {
    lines.push(number(place.price, decimals), place.time >= known.end ? "still to come" : "not known");
  } else {
    lines.push(`${priceRange(cell.from, cell.to, decimals)} USDT`);
    const side = cell.bid >= cell.ask ? "bid" : "ask";
    const most = Math.max(cell.bid, cell.ask);
    lines.push(most ? `${side} ${size(most)} ${base}` : "empty");
    if (book && most) lines.push(...bookLines(known, book, cell, side, place.time, base));
  }
  return [...lines, ...tradeLines(map, place), ...(place.entry ? [] : detectionLines(map, known, place.time, place.price))];
}

/** Return the lines that say what the book beside the map has at a height, which is that of `now` (ms).
 * @param {MarketMap} map @param {BookWindow} known @param {number} y @param {number} now
 */
function columnLines(map, known, y, now) {
  const { book, decimals, base, shapes: { column } } = map;
  const { price } = map.placeAt(0, y);
  if (price === null) return null;
  const tick = known.tick || 1e6;
  const row = rowOf(price * 1e8, { step: column.step, tick });
  const lowest = Math.ceil((row * column.step) / tick) * tick;
  const highest = lowest + column.step - tick;
  const lines = [bothTimes(now, 1), `${priceRange(lowest / 1e8, highest / 1e8, decimals)} USDT`];
  const found = column.rows.find((one) => one.row === row);
  if (!book || lowest < book.low || highest > book.high) lines.push("not known");
  else if (!found?.bid && !found?.ask) lines.push("empty");
  for (const side of book && found ? /** @type {const} */ (["bid", "ask"]) : []) {
    if (!found?.[side] || !book) continue;
    lines.push(`${side} ${size(found[side])} ${base}`, ...bookLines(known, book, { from: lowest / 1e8, to: highest / 1e8 }, side, now, base));
  }
  if (found?.bought || found?.sold) lines.push(`traded here: bought ${size(found.bought)}, sold ${size(found.sold)} ${base}`);
  return lines;
}

/** @param {number} from @param {number} to @param {number} decimals */
function priceRange(from, to, decimals) {
  return to > from ? `${number(from, decimals)} – ${number(to, decimals)}` : number(from, decimals);
}

/** @param {BookWindow} known @param {Instant} book @param {{from: number, to: number}} cell @param {"bid" | "ask"} side
 * @param {number} now @param {string} base
 */
function bookLines(known, book, cell, side, now, base) {
  const index = side === "bid" ? 0 : 1;
  const far = side === "bid" ? cell.from : cell.to;
  const [total] = upTo(book, Math.round(far * 1e8), index);
  const lines = [`${size(total / 1e8)} ${base} from the touch to here`];
  const { prices, sizes } = { prices: book.prices[index], sizes: book.sizes[index] };
  let [largest, price] = [0, 0];
  for (let rank = 0; rank < prices.length; rank += 1) {
    const inside = prices[rank] >= Math.round(cell.from * 1e8) && prices[rank] <= Math.round(cell.to * 1e8);
    if (inside && sizes[rank] > largest) [largest, price] = [sizes[rank], prices[rank]];
  }
  if (largest) lines.push(restLine(known, price, index, now));
  return lines;
}

/** Return the line that says how long a level has rested. @param {BookWindow} known @param {number} price  units
 * @param {number} side @param {number} now
 */
export function restLine(known, price, side, now) {
  const since = restingSince(known.since(-Infinity), price, side, now);
  const oldest = known.seconds.find(({ base: whole }) => whole !== null)?.base?.time ?? known.oldest;
  return since === null ? `has rested for more than ${duration(now - oldest)}` : `has rested for ${duration(now - since)}`;
}

/** @param {import("../../types/frames.d.ts").Row} row @param {MarketMap} map */
function stripLines(row, map) {
  if (row.mid_price === null || row.spread === null || row.imbalance === null || row.ofi === null || row.ofi_best === null) return [];
  return [
    `mid ${number(row.mid_price, map.decimals + 1)} USDT, spread ${number(row.spread, map.decimals)}`,
    `imbalance ${number(row.imbalance, 2)}, at the touch ${number(row.queue_imbalance ?? NaN, 2)}`,
    `OFI ${signed(row.ofi_best, 3)}, of ten-level volumes ${signed(row.ofi, 3)} ${map.base}`,
    ...deltaLines(row, map),
    row.trades ? `bought ${size(row.trades.buy_volume)}, sold ${size(row.trades.sell_volume)} ${map.base}` : "trades not all known",
  ];
}

/** @param {import("../../types/frames.d.ts").Row} row @param {MarketMap} map */
function deltaLines(row, map) {
  const delta = map.shapes.totals.find(({ time: end }) => end === row.timestamp)?.delta ?? null;
  return delta === null ? [] : [`volume delta ${signed(delta, 3)} ${map.base}`];
}

/** What a detection is, and those that share its mark. @param {MarketMap} map @param {Detection} entry */
function markLines(map, entry) {
  const own = map.marks.find((mark) => mark.entry.id === entry.id);
  const beside = map.marks.filter((mark) => own && mark !== own && mark.x === own.x && mark.y === own.y).slice(0, MOST_BESIDE);
  return [bothTimes(entry.started_at, 1), ...[entry, ...beside.map((mark) => mark.entry)].flatMap((each) => {
    const end = isOpen(each) ? "open" : (each.reason ?? "").replaceAll("_", " ");
    return [`${nameOf(each)} at ${number(each.price, map.decimals)} USDT${end && `, ${end}`}`, summaryOf(each, map.decimals, map.base)];
  })];
}

/** Each trade under the pointer, the largest where there are many; and all of them together.
 * @param {MarketMap} map @param {{x: number, y: number}} at
 */
function tradeLines(map, at) {
  const { layout: { map: box }, view: { range }, shapes, decimals, base } = map;
  const trades = shapes.allBubbles.filter((bubble) => {
    const x = box.left + ((bubble.time - range.from) / (range.to - range.from)) * box.width;
    const y = box.top + ((range.high - bubble.price) / (range.high - range.low)) * box.height;
    return Math.hypot(x - at.x, y - at.y) < NEAR_PX;
  }).flatMap((bubble) => bubble.trades);
  const lines = trades.toSorted((a, b) => b[2] - a[2]).slice(0, TRADES_SHOWN).sort((a, b) => a[0] - b[0]).map(([when, price, amount, , side]) => (
    `${side === "buy" ? "bought" : "sold"} ${size(amount)} ${base} at ${number(price, decimals)}, ${time(when, 3)}`
  ));
  if (trades.length < 2) return lines;
  const sum = (/** @type {string} */ wanted) => trades.reduce((total, [, , amount, , side]) => total + (side === wanted ? amount : 0), 0);
  return [`${trades.length} trades near by: bought ${size(sum("buy"))}, sold ${size(sum("sell"))} ${base}`, ...lines];
}

/** @param {MarketMap} map @param {BookWindow} known @param {number} now @param {number} price */
function detectionLines(map, known, now, price) {
  const { layout: { map: box }, view: { range } } = map;
  const seconds = ((range.to - range.from) / box.width) * NEAR_PX;
  const distance = ((range.high - range.low) / box.height) * NEAR_PX;
  return known.wanted(map.choices).filter((entry) => (
    Math.abs(entry.price - price) <= distance && now > entry.started_at - seconds
    && now < (isOpen(entry) ? known.end : entry.time) + seconds
  )).slice(0, 3).map((entry) => `${nameOf(entry)}: ${summaryOf(entry, map.decimals, map.base)}`);
}

/** What is shown, where it points to, above which place or to the left of which end it is to stay if it can, or which box it is
 * to leave in sight, and how large it is: asking for the size would have the page laid out at once.
 */
const shown = {
  lines: /** @type {string[]} */ ([]), x: 0, y: 0, above: false, right: 0, outside: /** @type {DOMRect | null} */ (null), width: 0, height: 0,
  place: "",
};
/** @type {ResizeObserver | null} */
let observer = null;
const seen = { width: 0, height: 0 }; // of the window: asking for it would, too

/** Show lines beside a place of the window, or nothing for null: to the place's left where they would reach past `right`, as
 * long as there is room, and above it where a finger hides what is below. With `outside`, a box of the window: at its left or
 * above it, so that all of it stays in sight.
 * @param {string[] | null} lines @param {number} [x] @param {number} [y]
 * @param {{above?: boolean, right?: number, outside?: DOMRect | null}} [where]
 */
export function showTooltip(lines, x = 0, y = 0, { above = false, right = Infinity, outside = null } = {}) {
  const tooltip = byId("map-tooltip");
  if (tooltip.hidden !== (lines === null)) tooltip.hidden = lines === null;
  if (!lines) return;
  observer ??= observe(tooltip);
  for (let index = tooltip.childElementCount; index < lines.length; index += 1) tooltip.append(make("div"));
  while (tooltip.childElementCount > lines.length) tooltip.lastElementChild?.remove();
  lines.forEach((line, index) => {
    if (shown.lines[index] !== line) tooltip.children[index].textContent = line;
  });
  Object.assign(shown, { lines, x, y, above, right, outside });
  moveTooltip(tooltip);
}

/** Hear of the tooltip's size, before it is seen, and of the window's. @param {HTMLElement} tooltip */
function observe(tooltip) {
  const resized = () => Object.assign(seen, { width: window.innerWidth, height: window.innerHeight });
  window.addEventListener("resize", resized);
  resized();
  const made = new ResizeObserver(([{ borderBoxSize: [box] }]) => {
    Object.assign(shown, { width: box.inlineSize, height: box.blockSize });
    moveTooltip(tooltip);
  });
  made.observe(tooltip, { box: "border-box" });
  return made;
}

/** @param {HTMLElement} tooltip */
function moveTooltip(tooltip) {
  const { x, y, above, right, outside, width, height } = shown;
  const isPast = x + 16 + width > right && x - 16 - width >= 4;
  let left = isPast || x + 16 + width > seen.width ? x - 16 - width : x + 16;
  let top = above || y + 16 + height > seen.height ? y - 16 - height : y + 16;
  if (outside && outside.left - 12 - width >= 4) [left, top] = [outside.left - 12 - width, Math.min(outside.top, seen.height - height - 4)];
  else if (outside) [left, top] = [Math.min(x - width / 2, seen.width - width - 4), outside.top - 8 - height];
  const place = `translate(${Math.round(Math.max(4, left))}px, ${Math.round(Math.max(4, top))}px)`;
  if (place !== shown.place) tooltip.style.transform = shown.place = place;
}
