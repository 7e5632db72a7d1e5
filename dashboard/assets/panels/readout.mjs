// The box beside the pointer: what the map shows there, in words.

import { restingSince, upTo } from "../book/instant.mjs";
import { isOpen, latestDetections, nameOf, summaryOf } from "../book/detections.mjs";
import { rowOf } from "../book/raster.mjs";
import { byId, make } from "../ui/dom.mjs";
import { bothTimes, duration, number, size } from "../ui/formats.mjs";

/** @import {BookWindow} from "../book/book_window.mjs" */
/** @import {Instant} from "../book/instant.mjs" */
/** @import {Crosshair} from "../map/map_axes.mjs" */
/** @import {MarketMap} from "../map/market_map.mjs" */
/** @import {Detection} from "../../types/frames.d.ts" */

const TRADES_SHOWN = 4;
const NEAR_PX = 9;

/** Return the lines that say what is at a place of the panel; `book` is the book that is shown.
 * @param {MarketMap} map @param {BookWindow} known @param {Crosshair} at @param {Instant | null} book
 */
export function linesAt(map, known, at, book) {
  if (at.part === "book" || at.part === "prices") return bookRowLines(map, known, at.price, book);
  if (at.part === "lane") return at.entry ? detectionText(at.entry, map) : [bothTimes(at.time, 1)];
  return at.entry ? [...detectionText(at.entry, map), ...mapLines(map, known, at, book).slice(1)] : mapLines(map, known, at, book);
}

/** Return the lines of a time and price of the map. `book` is the book of that instant, or null.
 * @param {MarketMap} map @param {BookWindow} known @param {Crosshair} place @param {Instant | null} book
 */
function mapLines(map, known, place, book) {
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
    lines.push(`${rangeText(cell, decimals)} USDT`);
    const side = cell.bid >= cell.ask ? "bid" : "ask";
    const most = Math.max(cell.bid, cell.ask);
    lines.push(most ? `${side} ${size(most)} ${base}` : "empty");
    if (book && most) lines.push(...bookLines(known, book, cell, side, place.time, base));
  }
  return [...lines, ...tradeLines(map, place), ...(place.entry ? [] : detectionLines(map, known, place.time, place.price))];
}

/** Return the lines of a row of the book beside the map: what stands and was traded there.
 * @param {MarketMap} map @param {BookWindow} known @param {number | null} price @param {Instant | null} book
 */
function bookRowLines(map, known, price, book) {
  const { decimals, base, shapes: { column } } = map;
  const lattice = { step: column.step, tick: known.tick || 1e6 };
  if (price === null || !book) return [price === null ? "" : `${number(price, decimals)} USDT`, "the book is not known"].filter(Boolean);
  const row = rowOf(price * 1e8, lattice);
  const lowest = Math.ceil((row * lattice.step) / lattice.tick) * lattice.tick;
  const cell = { from: lowest / 1e8, to: (lowest + lattice.step - lattice.tick) / 1e8 };
  const [title, now] = map.bookIsPast ? [`book at ${bothTimes(book.time, 1)}`, book.time] : ["book now", known.end];
  const lines = [title, `${rangeText(cell, decimals)} USDT`];
  if (lowest < book.low || lowest + lattice.step - lattice.tick > book.high) return [...lines, "not known so far from the touch"];
  const found = column.rows.find((each) => each.row === row);
  const [bid, ask] = [found?.bid ?? 0, found?.ask ?? 0];
  for (const [side, amount] of /** @type {["bid" | "ask", number][]} */ ([["ask", ask], ["bid", bid]])) {
    if (amount) lines.push(`${side} ${size(amount)} ${base}`, ...bookLines(known, book, cell, side, now, base));
  }
  if (!bid && !ask) lines.push("empty");
  return [...lines, tradedText(found?.bought ?? 0, found?.sold ?? 0, base)];
}

/** @param {number} bought @param {number} sold @param {string} base */
function tradedText(bought, sold, base) {
  return bought || sold ? `traded in the window: bought ${size(bought)}, sold ${size(sold)} ${base}` : "nothing traded in the window";
}

/** @param {{from: number, to: number}} cell @param {number} decimals */
function rangeText({ from, to }, decimals) {
  return to > from ? `${number(from, decimals)} – ${number(to, decimals)}` : number(from, decimals);
}

/** @param {Detection} entry @param {MarketMap} map */
function detectionText(entry, map) {
  const end = isOpen(entry) ? "open" : (entry.reason ?? "").replaceAll("_", " ");
  return [
    bothTimes(entry.started_at, 1),
    `${nameOf(entry)} at ${number(entry.price, map.decimals)} USDT${end && `, ${end}`}`,
    summaryOf(entry, map.decimals),
  ];
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
  if (!largest) return lines;
  const since = restingSince(known.since(-Infinity), price, index, now);
  const oldest = known.seconds.find(({ base: whole }) => whole !== null)?.base?.time ?? known.oldest;
  lines.push(since === null ? `has rested for more than ${duration(now - oldest)}` : `has rested for ${duration(now - since)}`);
  return lines;
}

/** @param {import("../../types/frames.d.ts").Row} row @param {MarketMap} map */
function stripLines(row, map) {
  if (row.mid_price === null || row.spread === null || row.imbalance === null || row.ofi === null) return [];
  return [
    `mid ${number(row.mid_price, map.decimals + 1)} USDT, spread ${number(row.spread, map.decimals)}`,
    `imbalance ${number(row.imbalance, 2)}, OFI ${size(Math.abs(row.ofi)) === "0" ? "0" : number(row.ofi, 3)} ${map.base}`,
    row.trades ? `bought ${size(row.trades.buy_volume)}, sold ${size(row.trades.sell_volume)} ${map.base}` : "trades not all known",
  ];
}

/** @param {MarketMap} map @param {{x: number, y: number}} at */
function tradeLines(map, at) {
  const { layout: { map: box }, view: { range }, shapes } = map;
  const near = shapes.bubbles.filter((bubble) => {
    const x = box.left + ((bubble.time - range.from) / (range.to - range.from)) * box.width;
    const y = box.top + ((range.high - bubble.price) / (range.high - range.low)) * box.height;
    return Math.hypot(x - at.x, y - at.y) < NEAR_PX;
  });
  return near.slice(-TRADES_SHOWN).map(({ bought, sold, price, count }) => (
    `${count} trade${count > 1 ? "s" : ""}: bought ${size(bought)}, sold ${size(sold)} at ${number(price, map.decimals)}`
  ));
}

/** @param {MarketMap} map @param {BookWindow} known @param {number} now @param {number} price */
function detectionLines(map, known, now, price) {
  const { layout: { map: box }, view: { range } } = map;
  const seconds = ((range.to - range.from) / box.width) * NEAR_PX;
  const distance = ((range.high - range.low) / box.height) * NEAR_PX;
  return latestDetections(known.seconds.map(({ row }) => row)).filter((entry) => (
    map.choices.kinds.has(entry.kind) && Math.abs(entry.price - price) <= distance && now > entry.started_at - seconds
    && now < (isOpen(entry) ? known.end : entry.time) + seconds
  )).slice(0, 3).map((entry) => `${nameOf(entry)}: ${summaryOf(entry, map.decimals)}`);
}

/** Show lines beside a place of the window, or nothing for null; above it where a finger hides what is below.
 * @param {string[] | null} lines @param {number} [x] @param {number} [y] @param {boolean} [above]
 */
export function showTooltip(lines, x = 0, y = 0, above = false) {
  const tooltip = byId("map-tooltip");
  tooltip.hidden = lines === null;
  if (!lines) return;
  tooltip.replaceChildren(...lines.map((line) => make("div", {}, line)));
  const { offsetWidth: width, offsetHeight: height } = tooltip;
  const left = x + 16 + width > window.innerWidth ? x - 16 - width : x + 16;
  const top = above || y + 16 + height > window.innerHeight ? y - 16 - height : y + 16;
  tooltip.style.left = `${Math.max(4, left)}px`;
  tooltip.style.top = `${Math.max(4, top)}px`;
}
