// The list of detections: a line each, in words that are read at a glance; a click opens its evidence.

import { colourSide, ENDINGS, figuresOf, isOpen, markOf, MEANINGS, nameOf, summaryOf } from "../book/detections.mjs";
import { byId, definitions, make } from "../ui/dom.mjs";
import { number, time, utc } from "../ui/formats.mjs";
import { KeptScroll } from "../ui/kept_scroll.mjs";

/** @import {Detection} from "../../types/frames.d.ts" */

const MOST_SHOWN = 100;

export class DetectionList {
  /** @param {(entry: Detection) => void} onChosen */
  constructor(onChosen) {
    this.onChosen = onChosen;
    this.chosen = "";
    this.key = "";
    this.base = ""; // the base asset's name
    this.decimals = NaN;
    /** @type {Map<string, {entry: Detection, chosen: boolean, element: HTMLElement}>} what is written, by id */
    this.items = new Map();
    /** @type {Set<string> | null} ids that were told before; null before the first rows */
    this.told = null;
    const rows = byId("detections-rows");
    this.scroll = new KeptScroll(/** @type {HTMLElement} */ (rows.parentElement), rows, "detections-newer");
  }

  /** Write detections. `hint` stands below them.
   * @param {Detection[]} detections  the latest entry of each that is wanted @param {number} decimals @param {string} hint
   */
  draw(detections, decimals, hint) {
    const entries = detections.slice(0, MOST_SHOWN);
    const none = byId("detections-none");
    none.hidden = hint === "";
    if (none.textContent !== hint) none.textContent = hint;
    const key = `${this.chosen} ${decimals} ${entries.map(({ id, event, time: at }) => `${id} ${event} ${at}`).join()}`;
    if (this.key === key) return;
    this.key = key;
    const body = byId("detections-rows");
    const focused = /** @type {HTMLElement | null} */ (document.activeElement?.closest("#detections-rows [data-id]"))?.dataset.id;
    const isSame = this.decimals === decimals;
    this.decimals = decimals;
    /** @type {typeof this.items} */
    const items = new Map();
    for (const entry of entries) {
      const chosen = entry.id === this.chosen;
      const before = this.items.get(entry.id);
      const stays = isSame && before && before.entry === entry && before.chosen === chosen;
      items.set(entry.id, stays ? before : { entry, chosen, element: this.item(entry, decimals) });
    }
    this.items = items;
    this.scroll.during(() => showOnly(body, Array.from(items.values(), ({ element }) => element)));
    if (focused) /** @type {HTMLElement | null} */ (body.querySelector(`[data-id="${CSS.escape(focused)}"] button`))?.focus({ preventScroll: true });
  }

  /** @param {Detection} entry @param {number} decimals */
  item(entry, decimals) {
    const open = isOpen(entry);
    const ending = open ? "open" : (entry.reason ?? "").replaceAll("_", " ");
    const meaning = open ? "It still stands" : told(ENDINGS, entry.reason ?? "");
    const summary = summaryOf(entry, decimals, this.base);
    const chosen = entry.id === this.chosen;
    const head = make("button", { type: "button", "aria-expanded": String(chosen), onclick: () => this.choose(entry) },
      make("span", { class: `mark ${colourSide(entry)}`, "aria-hidden": "true" }, markOf(entry)),
      make("span", { class: "what" },
        make("span", { class: "name", title: told(MEANINGS, entry.kind) }, nameOf(entry)), " ",
        make("span", { class: "ending", title: meaning }, ending)),
      make("span", { class: "price" }, number(entry.price, decimals)),
      make("span", { class: "when" }, time(entry.started_at)),
      make("span", { class: "why", title: summary }, summary));
    const item = make("li", { class: open ? "open" : "", "data-id": entry.id }, head);
    if (chosen) {
      item.append(make("dl", {}, ...definitions([
        ["began", utc(entry.started_at, 3)], ["last event", utc(entry.time, 3)],
        ["magnitude", number(entry.magnitude, 2)], ["rank", typeof entry.rank === "number" ? number(entry.rank, 2) : "not yet: fewer than 20"],
        ...figuresOf(entry.evidence, decimals, this.base),
      ])));
    }
    return item;
  }

  /** Open a detection's evidence, or close it again. @param {Detection} entry */
  choose(entry) {
    this.chosen = this.chosen === entry.id ? "" : entry.id;
    this.key = "";
    this.onChosen(entry);
  }

  /** Open a detection's evidence, with the next drawing. @param {string} id */
  open(id) {
    this.chosen = id;
    this.key = "";
  }

  /** @param {string} id */
  reveal(id) {
    this.scroll.reveal(id);
  }

  /** Return those that were not there the last time. @param {Detection[]} entries @returns {Detection[]} */
  takeNew(entries) {
    const fresh = this.told ? entries.filter(({ id }) => !this.told?.has(id)) : [];
    this.told = new Set(entries.map(({ id }) => id));
    return fresh;
  }

  /** Forget all: another symbol follows. */
  clear() {
    this.chosen = "";
    this.told = null;
    this.key = "";
    this.scroll.clear();
  }
}

/** @param {Record<string, string>} texts @param {string} name */
function told(texts, name) {
  return Object.hasOwn(texts, name) ? texts[name] : null;
}

/** Have a list show these items, in this order; those that stay are left alone. @param {HTMLElement} list @param {HTMLElement[]} items */
function showOnly(list, items) {
  const wanted = new Set(items);
  for (const item of Array.from(list.children)) if (!wanted.has(/** @type {HTMLElement} */ (item))) item.remove();
  items.forEach((item, index) => {
    if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null);
  });
}
