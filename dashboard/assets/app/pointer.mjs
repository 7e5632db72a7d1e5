// What the pointer is at: the crosshair, the instant whose book is shown, and what is said of the place.

import { standsUntil } from "../book/instant.mjs";
import { PastBook } from "../book/past_book.mjs";
import { STILL_PX } from "../map/gestures.mjs";
import { partAt } from "../map/map_layout.mjs";
import { linesAt, showTooltip } from "../panels/readout.mjs";
import { byId } from "../ui/dom.mjs";
import { time } from "../ui/formats.mjs";

/** @import {App} from "../app.mjs" */
/** @import {Instant} from "../book/instant.mjs" */
/** @import {Crosshair} from "../map/map_axes.mjs" */
/** @import {Detection} from "../../types/frames.d.ts" */

export const MARK_REACH = [12, 20]; // px to a detection's mark that a pointer, and a finger, may miss

export class Pointer {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    /** @type {{x: number, y: number} | null} where the pointer is on the map */
    this.at = null;
    this.touches = false; // the pointer is a finger
    /** @type {{entry: Detection, from: {x: number, y: number} | null} | null} the detection that the crosshair stays on, until
     * the pointer leaves where it was */
    this.pin = null;
    /** @type {Instant | null} the book of an instant in the past */
    this.pastBook = null;
    this.past = { version: -1, from: NaN, until: NaN }; // of what is known, and from when until when (ms) it stands
    this.pastAt = NaN;
    this.books = new PastBook();
  }

  /** Of which instant (ms) the shown book is. */
  get shownAt() {
    return this.app.map.bookIsPast ? this.pastAt : this.app.known.end;
  }

  /** Choose the book that is shown: of the instant under the pointer, of a held view's end, or of now. */
  chooseBook() {
    const { map, known } = this.app;
    const end = map.view.endOf(known.end);
    let at = map.view.following ? NaN : end;
    const pointed = this.crosshair();
    if (pointed && !["book", "prices", "corner"].includes(pointed.part) && pointed.time < end) at = pointed.time;
    map.bookIsPast = Number.isFinite(at) && at < known.end;
    this.pastAt = at;
    if (map.bookIsPast) {
      const { past } = this;
      if (known.version !== past.version || at < past.from || at >= past.until) {
        const seconds = known.since(at);
        this.pastBook = this.books.at(known, at);
        this.past = { version: known.version, from: this.pastBook?.time ?? at, until: standsUntil(seconds, at) };
      }
      map.book = this.pastBook;
      map.bookTitle = map.book ? `at ${time(at, 1)}` : "not known";
    } else {
      map.book = this.app.newestBook;
      map.bookTitle = map.book ? "book now" : "no book now";
    }
  }

  /** @param {{x: number, y: number} | null} at @param {boolean} [touches] */
  moveTo(at, touches = false) {
    if (!at && !this.at) return;
    const from = this.pin?.from;
    if (at && !(from && Math.hypot(at.x - from.x, at.y - from.y) < STILL_PX)) this.pin = null;
    this.at = at;
    this.touches = touches;
    if (!at) this.show(); // it states nothing from now on, however long a drawing takes
    this.app.drawing.soon("view");
  }

  /** Return what the crosshair is at: the detection that was chosen, the one whose mark is under the pointer, or the
   * pointer's own place; null for none. @returns {Crosshair | null}
   */
  crosshair() {
    const { map } = this.app;
    const { at: pointer } = this;
    const of = (/** @type {Detection} */ entry, /** @type {string} */ part) => (
      { ...map.pixelOf(entry.started_at, entry.price), time: entry.started_at, price: entry.price, part, entry }
    );
    if (this.pin) {
      const at = of(this.pin.entry, "map");
      return at.x >= map.layout.map.left && at.x < map.layout.map.left + map.layout.map.width ? at : null;
    }
    if (!pointer) return null;
    const { part } = partAt(map.layout, pointer.x, pointer.y);
    const mark = part === "lane" ? map.markNear(pointer, MARK_REACH[0]) : null;
    return mark ? of(mark.entry, part) : { ...pointer, ...map.placeAt(pointer.x, pointer.y), part, entry: null };
  }

  /** Write what is under the crosshair, which stays true as the map moves under it. */
  show() {
    const { map } = this.app;
    const at = this.crosshair();
    const element = byId("map");
    map.drawCrosshair(at);
    element.classList.toggle("on-mark", at?.part === "lane" && at.entry !== null);
    if (!at || !map.scene || this.app.hands.gestures.drags || ["corner", "none"].includes(at.part)) return this.showChart();
    const { left, top } = element.getBoundingClientRect();
    const { x, y } = this.pin || !this.at ? at : this.at;
    // What it says is of the map; price, book and depth beside it stay in sight.
    const right = left + map.layout.map.left + map.layout.map.width;
    return showTooltip(linesAt(map, this.app.known, at, this.shownAt), left + x, top + y, { above: this.touches, right });
  }

  /** Write what is under the pointer in a small chart, beside it: it is too small to be covered. */
  showChart() {
    const chart = [this.app.depth, this.app.cost].find(({ pointer, lines }) => pointer !== null && lines.length);
    if (!chart) return showTooltip(null);
    const box = chart.texts.getBoundingClientRect();
    return showTooltip(chart.lines, box.left + (chart.pointer ?? 0), box.top, { outside: box });
  }

  /** Be nowhere. */
  leave() {
    this.at = null;
    this.pin = null;
  }
}
