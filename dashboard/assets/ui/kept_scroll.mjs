// A list whose newest entries come in at the top: what is being read stays where it is, and a button says what is newer.

import { make } from "./dom.mjs";

const AT_TOP_PX = 3;
const RESTS_MS = 250; // a hand that scrolls is left alone for so long

export class KeptScroll {
  /** `list` has items with data-id, in `scroller`, which is positioned. @param {HTMLElement} scroller @param {HTMLElement} list
   * @param {string} id  of the button, which is put beside the scroller
   */
  constructor(scroller, list, id) {
    this.scroller = scroller;
    this.list = list;
    this.newer = make("button", { id, class: "newer", type: "button", hidden: true, title: "To the newest", onclick: () => this.toTop() });
    scroller.before(this.newer);
    /** @type {Set<string>} that have been in view, or are older than what was */
    this.seen = new Set();
    this.scrolledAt = -Infinity;
    scroller.addEventListener("scroll", () => {
      this.scrolledAt = performance.now();
      this.say();
    }, { passive: true });
  }

  get items() {
    return /** @type {HTMLElement[]} */ (Array.from(this.list.children));
  }

  get isAtTop() {
    return this.scroller.scrollTop <= AT_TOP_PX;
  }

  toTop() {
    this.scroller.scrollTop = 0;
    this.say();
  }

  /** Change the list's items by `change`, and keep what is being read, its first item whole. @param {() => void} change */
  during(change) {
    const { scrollTop } = this.scroller;
    const read = this.isAtTop ? [] : this.items.filter((item) => item.offsetTop + item.offsetHeight / 2 > scrollTop);
    const places = read.map((item) => /** @type {[string, number]} */ ([item.dataset.id ?? "", item.offsetTop]));
    change();
    const byId = new Map(this.items.map((item) => [item.dataset.id, item]));
    const stays = places.find(([id]) => byId.has(id));
    const item = stays && byId.get(stays[0]);
    if (item) {
      const rests = performance.now() - this.scrolledAt > RESTS_MS;
      const top = Math.round(rests ? item.offsetTop : scrollTop + item.offsetTop - stays[1]);
      if (Math.abs(top - scrollTop) > 0.5) this.scroller.scrollTop = top;
    }
    this.say();
  }

  /** Have an item in view, from its top on. @param {string} id */
  reveal(id) {
    const { scrollTop, clientHeight } = this.scroller;
    const item = this.items.find((each) => each.dataset.id === id);
    if (!item || (item.offsetTop >= scrollTop && item.offsetTop + item.offsetHeight <= scrollTop + clientHeight)) return;
    this.scroller.scrollTop = item.offsetTop;
    this.say();
  }

  /** Say how many there are above that nobody has seen. */
  say() {
    const { items, isAtTop, scroller: { scrollTop } } = this;
    const above = isAtTop ? -1 : items.findIndex((item) => item.offsetTop + item.offsetHeight / 2 > scrollTop);
    const shown = isAtTop ? items : items.slice(Math.max(0, above));
    for (const item of shown) this.seen.add(item.dataset.id ?? "");
    const count = items.filter((item) => !this.seen.has(item.dataset.id ?? "")).length;
    this.newer.hidden = count === 0;
    if (count) this.newer.textContent = `${count} newer ↑`;
  }

  /** Forget all. */
  clear() {
    this.seen.clear();
    this.scroller.scrollTop = 0;
    this.newer.hidden = true;
  }
}
