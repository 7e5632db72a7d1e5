// All that the page knows: one entry a second, with every update of the whole book in it.
//
// A second's book is known while updates follow on each other from a whole book on; what does not follow is not
// known until the next whole book. The window drops what is older than its length, or than what a paused view shows.

import { BaseBook, Changes } from "./changes.mjs";
import { latestDetections, shownDetections } from "./detections.mjs";
import { ASK, BID, TrackedBook } from "./tracked_book.mjs";
import { commonStep, toUnits } from "./units.mjs";

/** @import {Detection, Frame, Row} from "../../types/frames.d.ts" */

/** One second: its row as it came, without what has gone into `changes` (null where the book is not known) and
 * `base` (the whole book before them, where the frame had one).
 * @typedef {{row: Row, changes: Changes | null, base: BaseBook | null}} Second
 */

export const WINDOW_MS = 180_000; // as the program keeps it, `WINDOW_SECONDS` in state/rolling_buffer.py
export const MOST_HELD_MS = 780_000; // the window and ten minutes of a paused view

export class BookWindow {
  constructor() {
    /** @type {Second[]} oldest first */
    this.seconds = [];
    /** @type {Frame | null} the newest, without its history */
    this.frame = null;
    /** @type {TrackedBook | null} the book after the newest update; null while it is not known */
    this.book = null;
    this.tick = 0; // units; 0 while not known
    this.broken = false; // updates are missing: history is to be asked for again
    this.heldFrom = Infinity; // ms; a paused view begins there
    this.version = 0; // counts all changes of what is known
    this.era = 0; // counts those that were more than one second more
    this.taken = 0; // seconds that ever came
    this.missed = 0; // seconds that never came
    /** @type {{version: number, entries: Detection[]}} */
    this.latest = { version: -1, entries: [] };
    /** @type {Map<string, {version: number, entries: Detection[]}>} those that were shown last, by what was wanted */
    this.shown = new Map();
  }

  /** Forget everything: another symbol follows. */
  clear() {
    const { version, era } = this;
    Object.assign(this, new BookWindow(), { version: version + 1, era: era + 1 });
  }

  /** Ms since the epoch of the end of the newest second; NaN before the first. */
  get end() {
    return this.seconds.length ? this.seconds[this.seconds.length - 1].row.timestamp : NaN;
  }

  /** The latest entry of each detection, the one that began last first. */
  get detections() {
    const { version, seconds } = this;
    if (this.latest.version !== version) this.latest = { version, entries: latestDetections(seconds.map(({ row }) => row)) };
    return this.latest.entries;
  }

  /** Those of them that a person wants to see, and those that were shown before. @param {import("./detections.mjs").Wanted} wanted */
  wanted(wanted) {
    const { detections, version } = this;
    const key = `${wanted.rank} ${Array.from(wanted.kinds).join()}`;
    const last = this.shown.get(key);
    if (last?.version === version) return last.entries;
    const before = new Set(last?.entries.map(({ id }) => id));
    const entries = shownDetections(detections, wanted, this.seconds.length, before);
    this.shown.set(key, { version, entries });
    return entries;
  }

  /** Ms since the epoch of the beginning of the window that is kept of a view that follows. */
  get begin() {
    return this.end - WINDOW_MS;
  }

  /** Ms since the epoch of the beginning of the oldest second that is held. */
  get oldest() {
    return this.seconds.length ? this.seconds[0].row.timestamp - 1000 : NaN;
  }

  /** Take a frame, with its history if it has one. Linear in their updates. @param {Frame} frame */
  apply(frame) {
    this.version += 1;
    if (frame.history) this.begins(frame.history);
    else if (frame.timestamp > this.end + 1000) this.missed += (frame.timestamp - this.end) / 1000 - 1;
    else if (frame.timestamp <= this.end) this.forgetFrom(frame.timestamp); // the engine's clock was set back
    this.learnTick(frame);
    this.add(frame);
    this.frame = { ...frame, history: undefined, updates: null, book: null, tape: null };
    this.trim();
  }

  /** Begin anew with the rows of a history; what is older than they are is kept. @param {Row[]} rows */
  begins(rows) {
    this.era += 1;
    const known = this.seconds;
    const first = rows.find((row) => row.book)?.timestamp ?? rows[0]?.timestamp ?? Infinity;
    const older = known.filter(({ row }) => row.timestamp < first);
    this.seconds = known.length && rows.length && known[0].row.timestamp <= rows[rows.length - 1].timestamp ? older : [];
    this.book = null;
    this.broken = false;
    for (const row of rows) if (row.timestamp > (this.seconds.at(-1)?.row.timestamp ?? -Infinity)) this.add(row);
    this.broken = false; // what comes before the first whole book is not known, and will never be
  }

  /** @param {number} timestamp */
  forgetFrom(timestamp) {
    this.era += 1;
    this.seconds = this.seconds.filter(({ row }) => row.timestamp < timestamp);
    this.book = null;
  }

  /** @param {Frame} frame */
  learnTick(frame) {
    if (frame.tick_size) this.tick = toUnits(frame.tick_size);
    else if (!this.tick && frame.bid_levels && frame.ask_levels) {
      const levels = [...(frame.book?.bids ?? []), ...(frame.book?.asks ?? []), ...frame.bid_levels, ...frame.ask_levels];
      this.tick = commonStep(levels.map(([price]) => toUnits(price)));
    }
  }

  /** @param {Row} row */
  add(row) {
    const { updates, book, ...kept } = row;
    let base = null;
    if (book) {
      this.book = new TrackedBook(book);
      base = new BaseBook(this.book);
    }
    const changes = updates ? this.follow(updates) : null;
    if (!updates) this.book = null;
    else if (!changes && row.status === "live") this.broken = true;
    const shown = /** @type {Row} */ ({ ...kept, updates: null, book: null });
    this.seconds.push({ row: shown, changes, base: changes && base });
    this.taken += 1;
    if (changes && this.book && !this.isRight(row, this.book)) this.distrust();
  }

  /** Apply one second's updates; null where they do not follow on what is known.
   * @param {NonNullable<Row["updates"]>} updates
   */
  follow(updates) {
    const { book } = this;
    if (!book) return null;
    const changes = new Changes();
    for (const update of updates) {
      if (!book.apply(update, (price, side, before, after) => changes.add(price, side, before, after))) {
        this.book = null;
        return null;
      }
      changes.close(book);
    }
    return changes.seal();
  }

  /** Hold the book against the ten levels that the frame has. @param {Row} row @param {TrackedBook} book */
  isRight(row, book) {
    const { bid_levels: bids, ask_levels: asks } = row;
    return !bids || !asks || (book.agrees(bids, BID) && book.agrees(asks, ASK));
  }

  /** Give up the newest second's book: it is not what the frame shows. */
  distrust() {
    const newest = this.seconds[this.seconds.length - 1];
    newest.changes = null;
    newest.base = null;
    this.book = null;
    this.broken = true;
  }

  /** Drop what no view needs: all before the newest whole book that is older than what is kept. */
  trim() {
    const kept = Math.max(Math.min(this.begin, this.heldFrom), this.end - MOST_HELD_MS);
    let first = this.seconds.findIndex(({ row }) => row.timestamp > kept);
    while (first > 0 && this.seconds[first].changes && !this.seconds[first].base) first -= 1;
    if (first > 0) this.seconds.splice(0, first);
  }

  /** The seconds that came after the first `taken` of an era; null where they are not all that is new since.
   * @param {number} era @param {number} taken
   */
  after(era, taken) {
    const count = this.taken - taken;
    return era !== this.era || count > this.seconds.length ? null : this.seconds.slice(this.seconds.length - count);
  }

  /** The seconds that a view from `from` (ms) on can show, with those that lead to it from a whole book. @param {number} from */
  since(from) {
    let first = this.seconds.findLastIndex(({ base }) => base !== null && base.time <= from);
    if (first < 0) first = 0;
    return this.seconds.slice(first);
  }
}
