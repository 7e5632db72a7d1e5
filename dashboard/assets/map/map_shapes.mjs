// All shapes of the map but its cells, written anew when the data or the zoom change: lines, bubbles, bars. Pure but for
// the layer that it writes to.

import { bubblesOf, runningTotals, smallestShown, volumeByRow } from "../book/trades.mjs";
import { bookBars, bookRows, roundFull } from "./book_column.mjs";
import { secondsLine, touchLines } from "./lines.mjs";

/** @import {BookWindow, Second} from "../book/book_window.mjs" */
/** @import {Bubble} from "../book/trades.mjs" */
/** @import {Instant} from "../book/instant.mjs" */
/** @import {Box} from "./gl_canvas.mjs" */
/** @import {ShapeLayer} from "./shape_layer.mjs" */
/** @import {Range} from "./view.mjs" */
/** @import {TapeEntry} from "../../types/frames.d.ts" */

const MOST_BUBBLES = 70;
const BUBBLE_PX = [4, 21]; // least and most across
const BUBBLE_SPACING = 14; // px of time and price whose trades are one bubble

/** What a strip shows, per second. @type {Record<string, (second: Second) => number | null>} */
export const STRIP_VALUES = {
  spread: ({ row }) => row.spread,
  imbalance: ({ row }) => row.imbalance,
  ofi: ({ row }) => row.ofi,
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
    /** @type {Record<string, [number, number]>} the ends of each strip's axis */
    this.stripRanges = {};
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
  }

  /** Write what hangs on the data alone. Linear in the window's updates and trades. @param {Set<string>} kinds that are shown */
  writeData(kinds) {
    const { layer, known } = this;
    const { bid, ask } = touchLines(known.seconds, known.end);
    layer.write("best bid", "boxes", bid);
    layer.write("best ask", "boxes", ask);
    const totals = runningTotals(known.seconds);
    layer.write("vwap", "boxes", secondsLine(totals.map(({ time, vwap }) => ({ time, value: vwap }))));
    layer.write("delta", "boxes", secondsLine(totals.map(({ time, delta }) => ({ time, value: delta }))));
    this.totals = totals;
    this.trades = known.seconds.flatMap(({ row }) => row.tape ?? []);
    for (const [name, read] of Object.entries(STRIP_VALUES)) {
      const points = known.seconds.map((second) => ({ time: second.row.timestamp, value: read(second) }));
      layer.write(name, "boxes", secondsLine(points));
    }
    this.writeDetections(kinds);
  }

  /** @param {Set<string>} kinds */
  writeDetections(kinds) {
    const { known } = this;
    const lines = [];
    for (const entry of known.detections) {
      if (entry.event === "fired" || !kinds.has(entry.kind)) continue;
      lines.push(entry.started_at, entry.price, entry.event === "closed" ? entry.time : known.end, entry.price);
    }
    this.layer.write("detection lines", "boxes", lines);
  }

  /** Choose the ends of the strips' axes from what is seen. @param {Range} range */
  fitStrips(range) {
    const key = `${this.known.version} ${range.from} ${range.to}`;
    if (key === this.seenKey) return;
    this.seenKey = key;
    const seen = this.known.seconds.filter(({ row }) => row.timestamp > range.from && row.timestamp <= range.to + 1000);
    const ends = (/** @type {(number | null)[]} */ values) => {
      const numbers = /** @type {number[]} */ (values.filter((value) => value !== null));
      return /** @type {[number, number]} */ (numbers.length ? [Math.min(...numbers), Math.max(...numbers)] : [0, 1]);
    };
    const even = (/** @type {[number, number]} */ [low, high]) => {
      const most = Math.max(Math.abs(low), Math.abs(high)) || 1;
      return /** @type {[number, number]} */ ([-most * 1.1, most * 1.1]);
    };
    const spread = ends(seen.map(({ row }) => row.spread));
    const totals = this.totals.filter(({ time }) => time > range.from && time <= range.to + 1000);
    const delta = ends(totals.map((total) => total.delta));
    const room = (delta[1] - delta[0]) * 0.1 || Math.abs(delta[0]) * 0.1 || 1;
    this.stripRanges = {
      delta: [delta[0] - room, delta[1] + room],
      spread: [0, (spread[1] || 1) * 1.15],
      imbalance: [-1.1, 1.1],
      ofi: even(ends(seen.map(({ row }) => row.ofi))),
    };
  }

  /** Write the bubbles for a zoom. @param {Range} range @param {Box} box @param {number} tick  units */
  writeBubbles(range, box, tick) {
    const zoom = `${(range.to - range.from).toPrecision(9)} ${(range.high - range.low).toPrecision(9)}`; // a pan leaves dust
    const key = `${this.known.version} ${zoom} ${box.width} ${box.height}`;
    if (key === this.bubblesKey) return;
    this.bubblesKey = key;
    const ms = ((range.to - range.from) / box.width) * BUBBLE_SPACING;
    const step = Math.max(1, Math.round(((range.high - range.low) * 1e8) / box.height / tick * BUBBLE_SPACING)) * tick;
    const all = bubblesOf(this.trades, ms, step, tick);
    const least = smallestShown(all, MOST_BUBBLES);
    this.allBubbles = all;
    this.bubbles = all.filter(({ bought, sold }) => bought + sold >= least);
    const largest = this.bubbles.length ? this.bubbles[this.bubbles.length - 1] : null;
    const full = largest ? largest.bought + largest.sold : 1;
    const across = (/** @type {Bubble} */ { bought, sold }) => (
      Math.max(BUBBLE_PX[0], BUBBLE_PX[1] * Math.sqrt((bought + sold) / full))
    );
    const flat = (/** @type {Bubble[]} */ bubbles) => bubbles.flatMap((bubble) => [bubble.time, bubble.price, across(bubble)]);
    this.layer.write("bought", "bubbles", flat(this.bubbles.filter(({ bought, sold }) => bought >= sold)));
    this.layer.write("sold", "bubbles", flat(this.bubbles.filter(({ bought, sold }) => bought < sold)));
  }

  /** Write the book's bars. @param {Instant | null} book @param {Range} range @param {Box} box @param {number} tick  units */
  writeBook(book, range, box, tick) {
    const key = `${this.known.version} ${range.low} ${range.high} ${box.height} ${tick}`;
    if (key === this.bookKey && book === this.book) return;
    [this.bookKey, this.book] = [key, book];
    this.column = bookRows(book, (lattice) => this.tradedBy(lattice), range, tick, box.height);
    const { rows } = this.column;
    const largest = rows.reduce((most, { bid, ask }) => Math.max(most, bid, ask), 0);
    this.mostTraded = roundFull(rows.reduce((most, { bought, sold }) => Math.max(most, bought + sold), 0));
    this.full = roundFull(largest);
    for (const [name, flat] of Object.entries(bookBars(rows, this.full, this.mostTraded))) {
      this.layer.write(`book ${name}`, "boxes", flat);
    }
  }

  /** Return the window's volume by row; the same is not counted again. @param {{step: number, tick: number}} lattice */
  tradedBy(lattice) {
    const key = `${this.known.version} ${lattice.step} ${lattice.tick}`;
    if (key !== this.tradedKey) this.traded = volumeByRow(this.trades, lattice);
    this.tradedKey = key;
    return this.traded;
  }

  /** Write what a simulated order takes: [low, high] prices, or nothing for null. @param {[number, number] | null} prices */
  writeOrder(prices) {
    this.layer.write("order", "boxes", prices ? [0, prices[0], 1, prices[1]] : []);
  }
}
