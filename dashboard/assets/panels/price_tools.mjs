// What stands on the price axis: whether the prices follow the market, and the way back to a market out of view.

import { byId, make, press, setText } from "../ui/dom.mjs";
import { number } from "../ui/formats.mjs";

/** @import {MarketMap} from "../map/market_map.mjs" */

export class PriceTools {
  /** @param {{onAuto: () => void, onBack: () => void}} tell */
  constructor(tell) {
    this.hand = make("div", { id: "price-hand", "aria-hidden": "true" }); // where a finger moves prices and not the page
    this.auto = make("button", {
      id: "price-auto", type: "button", title: "The prices follow the market; off, they keep the height that you chose", onclick: tell.onAuto,
    }, "auto");
    this.back = make("button", { id: "price-off", type: "button", hidden: true, onclick: tell.onBack });
    byId("map").append(this.hand, this.auto, this.back);
    /** @type {unknown[]} all that what is shown hangs on */
    this.shown = [];
  }

  /** Put all in its place, and say how the prices are. @param {MarketMap} map @param {number | null} mid  of now, USDT */
  show(map, mid) {
    const { layout, layout: { prices, map: box, foot }, view } = map;
    const side = view.lost(mid);
    const text = side ? `price is off view ${side > 0 ? "▲" : "▼"} ${number(mid ?? 0, map.decimals + 1)} · click` : "";
    const is = [layout, view.priceFits, text];
    if (is.every((each, index) => each === this.shown[index])) return;
    this.shown = is;
    place(this.hand, prices.left, prices.top, prices.width, prices.height);
    place(this.auto, prices.left + 4, foot.top + 1, NaN, foot.height - 4);
    press(this.auto, view.priceFits);
    this.back.hidden = side === 0;
    if (!side) return;
    setText("price-off", text);
    this.back.style.right = `${map.elements.gl.clientWidth - prices.left + 6}px`;
    this.back.style.top = side > 0 ? `${box.top + 6}px` : "";
    this.back.style.bottom = side > 0 ? "" : `${map.elements.gl.clientHeight - box.top - box.height + 6}px`;
  }
}

/** @param {HTMLElement} element @param {number} left @param {number} top @param {number} width @param {number} height */
function place(element, left, top, width, height) {
  Object.assign(element.style, { left: `${left}px`, top: `${top}px`, width: width ? `${width}px` : "", height: `${height}px` });
}
