// The market impact form: what a market order would cost now, asked of the API's /simulate for each new second.
//
// What is shown is of this second or it is not shown: without an answer the figures go out and the reason stands
// in their place.
import { byId, definitions, press, setText } from "../ui/dom.mjs";
import { number, signed } from "../ui/formats.mjs";

const SIDES = ["buy", "sell"];
const EXACT = new Intl.NumberFormat("en-US", { maximumFractionDigits: 8 });

/** Return [figures, note] that say what an order came to, with prices of so many decimals.
 * @param {any} order @param {number} decimals @returns {[[string, string][], string]}
 */
export function orderTexts(order, decimals) {
  const levels = `${order.levels_consumed} level${order.levels_consumed === 1 ? "" : "s"}`;
  /** @type {[string, string][]} */
  const figures = [
    ["average", number(order.avg_price, decimals + 2)],
    ["slippage", `${signed(order.slippage, decimals + 1)} (${signed(order.slippage_bps, 2)} bp)`],
    ["eats", `${levels}, to ${number(order.worst_price, decimals)}`],
  ];
  const [filled, size] = [EXACT.format(order.filled), EXACT.format(order.size)];
  return [figures, order.complete ? "" : `Only ${filled} of ${size}: the ten levels hold no more.`];
}

export class ImpactForm {
  /** `base` is the API's URL; `onOrder` is called with each answer, and with null where there is none.
   * @param {string} base @param {(order: any) => void} onOrder
   */
  constructor(base, onOrder) {
    this.base = base;
    this.onOrder = onOrder;
    this.side = "buy";
    this.size = "";
    /** @type {AbortController | null} only while an answer is awaited */
    this.asked = null;
  }

  /** @param {string} side */
  choose(side) {
    this.side = side;
    for (const name of SIDES) press(byId(`impact-${name}`), name === side);
  }

  /** Show no figures, but `note` if the form has a size; an answer that is still to come is dropped.
   * @param {string} [note]
   */
  clear(note = "") {
    this.asked?.abort();
    this.asked = null;
    this.show([], this.size.trim() ? note : "", null);
  }

  /** Ask for the form's order on `symbol`, unless it has no size; an older question is dropped.
   * @param {string} symbol @param {number} decimals
   */
  async ask(symbol, decimals) {
    if (this.asked || !this.size.trim()) this.clear("The API does not answer."); // what is shown is of before
    if (!this.size.trim()) return;
    const asked = new AbortController();
    this.asked = asked;
    const query = new URLSearchParams({ symbol, side: this.side, size: this.size.trim() });
    let answer;
    try {
      const reply = await fetch(`${this.base}/simulate?${query}`, { signal: asked.signal });
      answer = await reply.json();
    } catch {
      answer = { reason: "The API does not answer." };
    }
    if (asked !== this.asked) return;
    this.asked = null;
    if (answer.reason === undefined) this.show(...orderTexts(answer, decimals), answer);
    else this.show([], answer.reason, null);
  }

  /** @param {[string, string][]} figures @param {string} note @param {any} order */
  show(figures, note, order) {
    byId("impact-figures").replaceChildren(...definitions(figures));
    setText("impact-note", note);
    this.onOrder(order);
  }
}
