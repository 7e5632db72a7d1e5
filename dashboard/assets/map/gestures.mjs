// What hands do on the map: wheel, drag, pinch, double click. Tells the view, and asks for a drawing.

import { partAt } from "./map_layout.mjs";

/** @import {MarketMap} from "./market_map.mjs" */

const WHEEL = 0.0016; // of the span, for each pixel that a wheel says
const STILL_PX = 4; // a pointer that moves less has clicked

/** @typedef {{x: number, y: number}} Place */

export class Gestures {
  /** `onView` is called after each change of the view, `onPoint` with the place of the pointer (null: none),
   * `onClick` with the place of a click.
   * @param {HTMLElement} element @param {MarketMap} map
   * @param {{onView: () => void, onPoint: (at: Place | null) => void, onClick: (at: Place) => void}} tell
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
    element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    element.addEventListener("pointerdown", (event) => this.press(event));
    element.addEventListener("pointermove", (event) => this.move(event));
    for (const kind of /** @type {const} */ (["pointerup", "pointercancel"])) {
      element.addEventListener(kind, (event) => this.release(event));
    }
    element.addEventListener("pointerleave", () => tell.onPoint(null));
    element.addEventListener("dblclick", (event) => this.fit(event));
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
    if (event.button > 0) return;
    const at = this.placeOf(event);
    this.element.setPointerCapture(event.pointerId);
    this.down.set(event.pointerId, at);
    this.began = at;
    this.moved = false;
    this.part = partAt(this.map.layout, at.x, at.y).part;
  }

  /** @param {PointerEvent} event */
  move(event) {
    const at = this.placeOf(event);
    const before = this.down.get(event.pointerId);
    if (before) {
      const others = [...this.down].filter(([id]) => id !== event.pointerId);
      this.down.set(event.pointerId, at);
      if (others.length) this.pinch(before, at, others[0][1]);
      else this.drag(before, at);
    }
    if (event.pointerType === "mouse" || !before) this.tell.onPoint(at);
  }

  /** @param {Place} before @param {Place} at */
  drag(before, at) {
    const { began } = this;
    if (began && Math.hypot(at.x - began.x, at.y - began.y) >= STILL_PX) this.moved = true;
    if (!this.moved) return;
    const [right, down] = [at.x - before.x, at.y - before.y];
    if (this.part === "prices") this.zoom(Math.exp(down / 150), { x: at.x, y: this.map.layout.map.top + this.map.layout.map.height / 2 }, "prices");
    else if (this.part === "times") this.zoom(Math.exp(-right / 200), at, "times");
    else this.pan(this.part === "book" ? 0 : right, this.part === "map" || this.part === "book" ? down : 0);
  }

  /** @param {Place} before @param {Place} at @param {Place} other */
  pinch(before, at, other) {
    this.moved = true;
    const distance = (/** @type {Place} */ one) => Math.max(20, Math.hypot(one.x - other.x, one.y - other.y));
    const middle = { x: (at.x + other.x) / 2, y: (at.y + other.y) / 2 };
    this.pan((at.x - before.x) / 2, (at.y - before.y) / 2);
    this.zoom(distance(before) / distance(at), middle, this.part);
  }

  /** @param {PointerEvent} event */
  release(event) {
    const was = this.down.delete(event.pointerId);
    if (!was || this.down.size) return;
    if (event.type === "pointerup" && !this.moved) {
      const at = this.placeOf(event);
      this.tell.onClick(at);
      if (event.pointerType !== "mouse") this.tell.onPoint(at);
    }
  }

  /** Fit what is under a double click: an axis, or both on the map. @param {MouseEvent} event */
  fit(event) {
    const at = this.placeOf(event);
    const { part } = partAt(this.map.layout, at.x, at.y);
    const { view, limits } = this.map;
    if (part === "map" || part === "prices" || part === "book") view.priceFits = true;
    if (part === "map" || part === "times" || part === "strip") view.fitTime(limits);
    view.isSet = false;
    this.map.advance();
    this.tell.onView();
  }
}
