// What hands do on the map: wheel, drag, pinch, double click. Tells the view, and asks for a drawing.

import { partAt } from "./map_layout.mjs";

/** @import {MarketMap} from "./market_map.mjs" */

const WHEEL = 0.0016; // of the span, for each pixel that a wheel says
export const STILL_PX = 4; // a pointer that moves less has clicked
const TOUCH_STILL_PX = 9; // and a finger
const LONG_MS = 380; // a finger that rests so long points

/** @typedef {{x: number, y: number}} Place */

export class Gestures {
  /** `onView` is called after each change of the view, `onPoint` with the place of the pointer (null: none) and whether it
   * is a finger, `onClick` with the place of a click; it says whether something was there.
   * @param {HTMLElement} element @param {MarketMap} map @param {{onView: () => void,
   *   onPoint: (at: Place | null, touches: boolean) => void, onClick: (at: Place, touches: boolean) => boolean}} tell
   */
  constructor(element, map, tell) {
    this.element = element;
    this.map = map;
    this.tell = tell;
    /** @type {Map<number, Place>} the pointers that are down */
    this.down = new Map();
    /** @type {Place | null} */
    this.began = null;
    this.moved = false; // the pointer that is down has moved
    this.part = "none";
    this.scrubs = false; // the finger that is down moves the crosshair
    this.longTask = 0;
    element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    element.addEventListener("pointerdown", (event) => this.press(event));
    element.addEventListener("pointermove", (event) => this.move(event));
    for (const kind of /** @type {const} */ (["pointerup", "pointercancel"])) {
      element.addEventListener(kind, (event) => this.release(event));
    }
    element.addEventListener("lostpointercapture", (event) => this.down.delete(event.pointerId));
    element.addEventListener("dblclick", (event) => this.fit(event));
    element.addEventListener("contextmenu", (event) => {
      if (this.scrubs) event.preventDefault();
    });
    element.addEventListener("touchmove", (event) => { // the browser scrolls the page for one finger alone
      if (event.cancelable && (this.scrubs || this.down.size > 1)) event.preventDefault();
    }, { passive: false });
    // An element that vanishes, a window that loses its focus and another that lies on top send no "leave" of the map's.
    for (const kind of ["pointermove", "pointerdown"]) document.addEventListener(kind, (event) => this.leave(event));
    for (const kind of ["pointerleave", "blur"]) window.addEventListener(kind, (event) => this.leave(event));
    for (const each of [element, document.documentElement]) {
      each.addEventListener("pointerleave", (event) => {
        if (event.pointerType !== "touch" && !this.down.size) tell.onPoint(null, false);
      });
    }
  }

  /** Whether a pointer moves the picture now. */
  get drags() {
    return this.moved && this.down.size > 0;
  }

  /** @param {MouseEvent} event @returns {Place} */
  placeOf(event) {
    const { left, top } = this.element.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    event.preventDefault();
    const at = this.placeOf(event);
    const { part } = partAt(this.map.layout, at.x, at.y);
    const pixels = event.deltaMode === 1 ? event.deltaY * 30 : event.deltaMode === 2 ? event.deltaY * 300 : event.deltaY;
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY);
    if (sideways || event.shiftKey) {
      this.pan(-(sideways ? event.deltaX : event.deltaY), 0);
      return;
    }
    this.zoom(Math.exp(Math.max(-400, Math.min(400, pixels)) * WHEEL), at, part);
  }

  /** @param {number} factor @param {Place} at @param {string} part */
  zoom(factor, at, part) {
    const { view, limits } = this.map;
    if (!view.isSet) return;
    const { time, price } = this.map.placeAt(at.x, at.y);
    if (part === "map" || part === "times" || part === "strip" || part === "lane") view.zoomTime(factor, time, limits);
    if ((part === "map" || part === "prices" || part === "book") && price !== null) view.zoomPrice(factor, price, limits);
    this.tell.onView();
  }

  /** @param {number} right @param {number} down  pixels that the picture moves */
  pan(right, down) {
    const { view, layout: { map } } = this.map;
    if (!view.isSet) return;
    const { range } = view;
    view.pan(
      (-right / map.width) * (range.to - range.from), (down / map.height) * (range.high - range.low), this.map.limits,
    );
    this.tell.onView();
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (event.button > 0 || (event.target instanceof Element && event.target.closest("button"))) return;
    const at = this.placeOf(event);
    this.element.setPointerCapture(event.pointerId);
    this.down.set(event.pointerId, at);
    this.began = at;
    this.moved = false;
    this.scrubs = false;
    this.part = partAt(this.map.layout, at.x, at.y).part;
    window.clearTimeout(this.longTask);
    if (event.pointerType === "touch" && this.down.size === 1) this.longTask = window.setTimeout(() => this.scrub(at), LONG_MS);
  }

  /** A finger that rests moves the crosshair from now on, not the picture. @param {Place} at */
  scrub(at) {
    if (this.moved || this.down.size !== 1) return;
    this.scrubs = true;
    this.tell.onPoint(at, true);
  }

  /** @param {PointerEvent} event */
  move(event) {
    const at = this.placeOf(event);
    const before = this.down.get(event.pointerId);
    const touches = event.pointerType === "touch";
    if (before) {
      const others = [...this.down].filter(([id]) => id !== event.pointerId);
      this.down.set(event.pointerId, at);
      if (others.length) this.pinch(before, at, others[0][1]);
      else if (!this.scrubs) this.drag(before, at, touches);
    }
    if (!touches || this.scrubs) this.tell.onPoint(at, touches);
  }

  /** A finger moves time on the map, and prices on their axis: all else that it does up and down scrolls the page.
   * @param {Place} before @param {Place} at @param {boolean} touches
   */
  drag(before, at, touches) {
    const { began } = this;
    if (began && !this.moved) {
      const [across, down] = [Math.abs(at.x - began.x), Math.abs(at.y - began.y)];
      if (Math.hypot(across, down) < (touches ? TOUCH_STILL_PX : STILL_PX)) return;
      window.clearTimeout(this.longTask);
      if (touches && this.part !== "prices" && down >= across) return;
      this.moved = true;
      if (touches) this.tell.onPoint(null, true);
    }
    const [right, down] = [at.x - before.x, at.y - before.y];
    if (this.part === "prices" && touches) this.pan(0, down);
    else if (this.part === "prices") this.zoom(Math.exp(down / 150), { x: at.x, y: this.map.layout.map.top + this.map.layout.map.height / 2 }, "prices");
    else if (this.part === "times") this.zoom(Math.exp(-right / 200), at, "times");
    else this.pan(this.part === "book" ? 0 : right, !touches && (this.part === "map" || this.part === "book") ? down : 0);
  }

  /** @param {Place} before @param {Place} at @param {Place} other */
  pinch(before, at, other) {
    const { view } = this.map;
    const isFree = !view.priceFits && view.priceIsFree;
    this.moved = true;
    window.clearTimeout(this.longTask);
    const distance = (/** @type {Place} */ one) => Math.max(20, Math.hypot(one.x - other.x, one.y - other.y));
    const middle = { x: (at.x + other.x) / 2, y: (at.y + other.y) / 2 };
    this.pan((at.x - before.x) / 2, (at.y - before.y) / 2);
    this.zoom(distance(before) / distance(at), middle, this.part);
    view.priceIsFree = isFree; // two fingers zoom
  }

  /** @param {PointerEvent} event */
  release(event) {
    const was = this.down.delete(event.pointerId);
    window.clearTimeout(this.longTask);
    if (event.type !== "pointerup") return this.tell.onPoint(null, false);
    if (!was || this.down.size || this.moved || this.scrubs) return undefined;
    const at = this.placeOf(event);
    if (event.pointerType !== "touch") return this.tell.onClick(at, false);
    return this.tell.onClick(at, true) || this.tell.onPoint(at, true);
  }

  /** The pointer is not over the map any more: a mouse, or a finger that touches something else. @param {Event} event */
  leave(event) {
    if (event.type !== "blur" && this.down.size) return;
    if (event.target instanceof Node && this.element.contains(event.target)) return;
    if (event instanceof PointerEvent && event.pointerType === "touch" && event.type !== "pointerdown") return;
    this.tell.onPoint(null, false);
  }

  /** Fit what is under a double click: an axis, or both on the map. @param {MouseEvent} event */
  fit(event) {
    if (event.target instanceof Element && event.target.closest("button")) return;
    const at = this.placeOf(event);
    const { part } = partAt(this.map.layout, at.x, at.y);
    const { view, limits } = this.map;
    if (part === "map" || part === "prices" || part === "book") view.fitPricesAnew();
    if (part === "map" || part === "times" || part === "strip") view.fitTime(limits);
    view.isSet = false;
    this.map.advance();
    this.tell.onView();
  }
}
