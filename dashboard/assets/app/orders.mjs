// The market order that a person types: what it would cost, asked in each new second.

import { ImpactForm, otherSize, sizeOf } from "../panels/impact_form.mjs";
import { byId, fitText, make } from "../ui/dom.mjs";
import { baseAsset } from "../ui/formats.mjs";

/** @import {App} from "../app.mjs" */

export class Orders {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    /** @type {any} what the form's order came to, as /simulate says it; null where nothing is known of it */
    this.answer = null;
    this.form = new ImpactForm(app.api, (order) => this.show(order));
  }

  /** Make the form's fields. */
  listen() {
    for (const side of ["buy", "sell"]) byId(`impact-${side}`).addEventListener("click", () => this.chooseSide(side));
    const size = make("input", {
      id: "impact-size", type: "text", inputmode: "decimal", placeholder: "size", maxlength: 40, autocomplete: "off", "aria-describedby": "impact-note",
    });
    size.addEventListener("input", () => this.chooseSize(size.value));
    byId("impact-field").append(size, make("button", {
      id: "impact-unit", class: "switch", type: "button", title: "Sizes in base asset, or in USDT", onclick: () => this.chooseUnit(),
    }));
    new ResizeObserver(() => fitText(size)).observe(size);
    this.form.setAsset(baseAsset(this.app.symbol));
  }

  /** Have the form ask what its order costs now, unless the newest second has no book to be asked for. */
  ask() {
    const [state, reason] = this.app.state();
    if (state === "live") this.form.ask(this.app.symbol, this.app.decimals);
    else this.form.clear(reason);
  }

  /** @param {string} side */
  chooseSide(side) {
    this.form.choose(side);
    this.form.clear(); // the figures are of another order
    this.ask();
  }

  /** @param {string} size */
  chooseSize(size) {
    fitText(/** @type {HTMLInputElement} */ (byId("impact-size")));
    this.form.type(size, () => this.ask());
    this.app.drawing.soon("view"); // the curve comes with the first character
  }

  /** Take sizes in USDT instead of the base asset, or the other way round. */
  chooseUnit() {
    const { form, app: { mid } } = this;
    form.setAsset(baseAsset(this.app.symbol), !form.isQuote);
    const typed = sizeOf(form.size);
    const input = /** @type {HTMLInputElement} */ (byId("impact-size"));
    if (typed !== null) input.value = mid === null ? "" : otherSize(typed, mid, form.isQuote);
    this.chooseSize(input.value);
  }

  /** @param {any} order */
  show(order) {
    if (order === null && this.answer === null) return;
    this.answer = order;
    const mid = order?.mid_price;
    this.app.depth.order = order?.filled ? { side: order.side, filled: order.filled, worst: order.worst_price, bps: order.slippage_bps } : null;
    this.app.map.shapes.writeOrder(order && mid ? [mid, order.worst_price] : null);
    if (this.app.known.seconds.length) this.app.drawing.soon("view");
  }
}
