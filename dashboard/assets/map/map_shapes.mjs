// All shapes of the map but its cells, written anew when the data or the zoom change: lines, bubbles, bars. Pure but for
// the layer that it writes to.

import { WINDOW_MS } from "../book/book_window.mjs";
import { firstWhere } from "../book/search.mjs";
import { bubblesOf, runningTotals, smallestShown, tradesUntil, volumeByRow } from "../book/trades.mjs";
import { bookBars, bookRows, columnFull } from "./book_column.mjs";
import { secondsBars, secondsLine, touchLines } from "./lines.mjs";

/** @import {Wanted} from "../book/detections.mjs" */
/** @import {Flow} from "../book/numbers.mjs" */
/** @import {BookWindow, Second} from "../book/book_window.mjs" */
/** @import {Bubble} from "../book/trades.mjs" */
/** @import {Instant} from "../book/instant.mjs" */
/** @import {Box} from "./gl_canvas.mjs" */
/** @import {ShapeLayer} from "./shape_layer.mjs" */
/** @import {Range} from "./view.mjs" */
/** @import {TapeEntry} from "../../types/frames.d.ts" */

const MOST_BUBBLES = 60;
const BUBBLE_PX = [6, 15]; // least and most across
const LARGE_SHARE = 0.95; // of the bubbles are smaller than one of BUBBLE_PX[1]: one that is huge leaves them their sizes
const SPREAD_TICKS = 4; // that its strip reaches up to at least
const BUBBLE_SPACING = 12; // px of time and price whose trades are one bubble

/** What a strip's axis reaches over, its ends with 0 among them, and the least, the most and the last of its values.
 * @typedef {{range: [number, number], ends: [number, number], least: number, most: number, last: number | null}} Strip
 */

/** Return what a strip of these values shows. @param {(number | null)[]} values @param {boolean} [isEven]  both ends as far from 0
 * @returns {Strip}
 */
export function stripOf(values, isEven = false) {
  const numbers = /** @type {number[]} */ (values.filter((value) => value !== null));
  const [least, most] = numbers.length ? [Math.min(...numbers), Math.max(...numbers)] : [0, 0];
  let [low, high] = [Math.min(0, least), Math.max(0, most)];
  if (isEven) [low, high] = [-Math.max(-low, high), Math.max(-low, high)];
  if (low === high) high = 1;
  const room = (high - low) * 0.06;
  return { range: [low && low - room, high && high + room], ends: [low, high], least, most, last: numbers.at(-1) ?? null };
}

/** Return the index of the first second that ends after a time (ms). O(log n). @param {Second[]} seconds  oldest first @param {number} time */
function firstAfter(seconds, time) {
  return firstWhere(seconds.length, (at) => seconds[at].row.timestamp > time);
}

/** Return the strip of a spread: with room above a spread of one tick, which it mostly is. @param {Strip} strip @param {number} tick
 * @returns {Strip}
 */
export function spreadStrip(strip, tick) {
  const high = Math.max(strip.most, SPREAD_TICKS * tick) || 1;
  return { ...strip, range: [0, high * 1.06], ends: [0, high] };
}

/** What a strip shows, per second. @type {Record<string, (second: Second, flow: Flow) => number | null>} */
export const STRIP_VALUES = {
  spread: ({ row }) => row.spread,
  imbalance: ({ row }) => row.imbalance,
  ofi: ({ row }, flow) => row[flow],
};

export class MapShapes {
  /** @param {ShapeLayer} layer @param {BookWindow} known */
  constructor(layer, known) {
    this.layer = layer;
    this.known = known;
    /** @type {Bubble[]} as they are drawn */
    this.bubbles = [];
    /** @type {Bubble[]} those too that are too small to be drawn */
    this.allBubbles = [];
    /** @type {ReturnType<typeof bookRows>} */
    this.column = { rows: [], step: 1, pixels: 1 };
    this.full = 1;
    this.mostTraded = 1;
    /** @type {Record<string, Strip>} what each strip shows */
    this.strips = {};
    /** @type {TapeEntry[]} */
    this.trades = [];
    this.bubblesKey = "";
    /** @type {ReturnType<typeof volumeByRow>} */
    this.traded = new Map();
    this.tradedKey = "";
    this.bookKey = "";
    /** @type {Instant | null} whose bars are written */
    this.book = null;
    this.seenKey = "";
    /** @type {ReturnType<typeof runningTotals>} */
    this.totals = [];
    /** @type {number | null} at the end of what is seen */
    this.vwap = null;
  }

  /** Write what hangs on the data alone. Linear in the window's updates and trades. @param {Wanted} wanted  detections
   * @param {Flow} flow
   */
  writeData(wanted, flow) {
    const { layer, known } = this;
    const { bid, ask, mid } = touchLines(known.seconds, known.end);
    layer.write("best bid", "boxes", bid);
    layer.write("best ask", "boxes", ask);
    layer.write("mid", "boxes", mid);
    const totals = runningTotals(known.seconds);
    layer.write("vwap", "boxes", secondsLine(totals.map(({ time, vwap }) => ({ time, value: vwap }))));
    this.totals = totals;
    this.writeStrip("delta", totals.map(({ time, delta }) => ({ time, value: delta })));
    this.trades = known.seconds.flatMap(({ row }) => row.tape ?? []);
    for (const [name, read] of Object.entries(STRIP_VALUES)) {
      this.writeStrip(name, known.seconds.map((second) => ({ time: second.row.timestamp, value: read(second, flow) })));
    }
    this.writeDetections(wanted);
  }

  /** @param {string} name @param {{time: number, value: number | null}[]} points */
  writeStrip(name, points) {
    const { above, below } = secondsBars(points);
    this.layer.write(`${name} above`, "boxes", above);
    this.layer.write(`${name} below`, "boxes", below);
    this.layer.write(name, "boxes", secondsLine(points));
  }

  /** @param {Wanted} wanted */
  writeDetections(wanted) {
    const { known } = this;
    const lines = [];
    for (const entry of known.wanted(wanted)) {
      if (entry.event === "fired") continue;
      lines.push(entry.started_at, entry.price, entry.event === "closed" ? entry.time : known.end, entry.price);
    }
    this.layer.write("detection lines", "boxes", lines);
  }

  /** Choose the ends of the strips' axes from what is seen. @param {Range} range @param {Flow} flow */
  fitStrips(range, flow) {
    const key = `${this.known.version} ${range.from} ${range.to} ${flow}`;
    if (key === this.seenKey) return;
    this.seenKey = key;
    const { seconds } = this.known;
    const first = firstAfter(seconds, range.from);
    const seen = seconds.slice(first, firstAfter(seconds, range.to + 999)); // that begin before the end
    const totals = this.totals.slice(first, first + seen.length);
    this.vwap = totals.findLast(({ vwap }) => vwap !== null)?.vwap ?? null;
    this.strips = {
      delta: stripOf(totals.map(({ delta }) => delta)),
      imbalance: { ...stripOf(seen.map(({ row }) => row.imbalance)), range: [-1.12, 1.12], ends: [-1, 1] },
      ofi: stripOf(seen.map(({ row }) => row[flow]), true),
      spread: spreadStrip(stripOf(seen.map(({ row }) => row.spread)), this.known.tick / 1e8),
    };
  }

  /** What the bubbles hang on. @param {Range} range @param {Box} box @param {number} scale */
  bubblesKeyOf(range, box, scale) {
    const zoom = `${(range.to - range.from).toPrecision(9)} ${(range.high - range.low).toPrecision(9)}`; // a pan leaves dust
    return `${this.known.version} ${zoom} ${box.width} ${box.height} ${scale}`;
  }

  /** Say whether the bubbles that are written are those of a zoom. @param {Range} range @param {Box} box @param {number} scale */
  hasBubblesOf(range, box, scale) {
    return this.bubblesKeyOf(range, box, scale) === this.bubblesKey;
  }

  /** Write the bubbles for a zoom. @param {Range} range @param {Box} box @param {number} tick  units
   * @param {number} [scale]  of their diameters
   */
  writeBubbles(range, box, tick, scale = 1) {
    const key = this.bubblesKeyOf(range, box, scale);
    if (key === this.bubblesKey) return;
    this.bubblesKey = key;
    const ms = ((range.to - range.from) / box.width) * BUBBLE_SPACING;
    const step = Math.max(1, Math.round(((range.high - range.low) * 1e8) / box.height / tick * BUBBLE_SPACING)) * tick;
    const all = bubblesOf(this.trades, ms, step, tick);
    const least = smallestShown(all, MOST_BUBBLES);
    this.allBubbles = all;
    this.bubbles = all.filter(({ bought, sold }) => bought + sold >= least);
    const large = this.bubbles[Math.floor(this.bubbles.length * LARGE_SHARE)];
    const full = large ? large.bought + large.sold : 1;
    const across = (/** @type {Bubble} */ { bought, sold }) => (
      scale * Math.max(BUBBLE_PX[0], BUBBLE_PX[1] * Math.min(1.3, Math.sqrt((bought + sold) / full)))
    );
    const flat = (/** @type {Bubble[]} */ bubbles) => bubbles.flatMap((bubble) => [bubble.time, bubble.price, across(bubble)]);
    this.layer.write("bought", "bubbles", flat(this.bubbles.filter(({ bought, sold }) => bought >= sold)));
    this.layer.write("sold", "bubbles", flat(this.bubbles.filter(({ bought, sold }) => bought < sold)));
  }

  /** Write the book's bars, in the rows of the map's `lattice`. @param {Instant | null} book @param {Range} range @param {Box} box
   * @param {{step: number, tick: number}} lattice  units @param {number} until  ms: of trades those in the window that ended then
   */
  writeBook(book, range, box, lattice, until) {
    const key = `${this.known.version} ${until} ${range.low} ${range.high} ${box.height} ${lattice.step} ${lattice.tick}`;
    if (key === this.bookKey && book === this.book) return;
    [this.bookKey, this.book] = [key, book];
    this.column = bookRows(book, () => this.tradedBy(lattice, until), range, lattice, box.height);
    const { rows, pixels } = this.column;
    this.full = columnFull(rows.map(({ bid, ask }) => Math.max(bid, ask)));
    this.mostTraded = columnFull(rows.map(({ bought, sold }) => bought + sold));
    for (const [name, flat] of Object.entries(bookBars(rows, this.full, this.mostTraded, pixels))) {
      this.layer.write(`book ${name}`, "boxes", flat);
    }
  }

  /** Return the window's volume by row; the same is not counted again. @param {{step: number, tick: number}} lattice
   * @param {number} until  ms
   */
  tradedBy(lattice, until) {
    const { era, version } = this.known;
    const key = `${until < Infinity ? `${era} ${until}` : version} ${lattice.step} ${lattice.tick}`;
    if (key !== this.tradedKey) this.traded = volumeByRow(tradesUntil(this.trades, until, WINDOW_MS), lattice);
    this.tradedKey = key;
    return this.traded;
  }

  /** Write what a simulated order takes: [low, high] prices, or nothing for null. @param {[number, number] | null} prices */
  writeOrder(prices) {
    this.layer.write("order", "boxes", prices ? [0, prices[0], 1, prices[1]] : []);
  }
}
