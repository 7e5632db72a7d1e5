// The market impact form: what a market order would cost now, asked of the API's /simulate for each new second.
//
// What is shown is of this second or it is not shown: without an answer the figures go out and the reason stands
// in their place.
import { byId, definitions, press, setText } from "../ui/dom.mjs";
import { number, signed } from "../ui/formats.mjs";

const SIDES = ["buy", "sell"];
const A_NUMBER = /^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/iu;
const TYPING_MS = 250; // after the last key the API is asked
const ANSWER_MS = 700; // that the API is given, though a new second began
const NO_ANSWER = "The API does not answer.";
const EXACT = new Intl.NumberFormat("en-US", { maximumFractionDigits: 8 });

/** Return the size that a text says; null where it is no number above 0. @param {string} text */
export function sizeOf(text) {
  const size = A_NUMBER.test(text.trim()) ? Number(text) : NaN;
  return size > 0 && Number.isFinite(size) ? size : null;
}

/** Return the text of a size in the other unit, of about the same worth. @param {number} size @param {number} mid @param {boolean} isQuote */
export function otherSize(size, mid, isQuote) {
  return isQuote ? String(Number((size * mid).toFixed(2))) : String(Number((size / mid).toFixed(8)));
}

/** Return [figures, note] that say what an order came to, with prices of so many decimals.
 * @param {any} order @param {number} decimals @param {string} asset @returns {[[string, string][], string]}
 */
export function orderTexts(order, decimals, asset) {
  const levels = `${order.levels_consumed} level${order.levels_consumed === 1 ? "" : "s"}`;
  const isBuy = order.side !== "sell";
  const slippage = order.slippage === null ? "not known" : `${signed(order.slippage, decimals + 1)} USDT (${signed(order.slippage_bps, 2)} bp)`;
  /** @type {[string, string][]} */
  const figures = [
    ["average", number(order.avg_price, decimals + 2)],
    ["slippage", slippage],
    ["eats", `${levels}, to ${number(order.worst_price, decimals)}`],
    order.size === null
      ? [isBuy ? "buys" : "sells", `${EXACT.format(order.filled)} ${asset}`]
      : [isBuy ? "costs" : "brings", `${number(order.filled_quote, 2)} USDT`],
  ];
  if (order.complete) return [figures, ""];
  const [filled, size] = order.size === null ? [order.filled_quote, order.quote_size] : [order.filled, order.size];
  return [figures, `Only ${EXACT.format(filled)} of ${EXACT.format(size)} ${order.size === null ? "USDT" : asset}: of the book no more is known.`];
}

export class ImpactForm {
  /** `base` is the API's URL; `onOrder` is called with each answer, and with null where there is none.
   * @param {string} base @param {(order: any) => void} onOrder
   */
  constructor(base, onOrder) {
    this.base = base;
    this.onOrder = onOrder;
    this.side = "buy";
    this.size = ""; // as it was typed
    this.asset = ""; // that is traded
    this.isQuote = false; // sizes are in USDT
    this.typingTask = 0; // 0: nobody types
    /** @type {AbortController | null} only while an answer is awaited */
    this.asked = null;
    this.askedAt = 0; // ms by the steady clock
  }

  /** @param {string} side */
  choose(side) {
    this.side = side;
    for (const name of SIDES) press(byId(`impact-${name}`), name === side);
  }

  /** What sizes are in. */
  get unit() {
    return this.isQuote ? "USDT" : this.asset;
  }

  /** Say what is traded, and whether sizes are in USDT. @param {string} asset @param {boolean} [isQuote] */
  setAsset(asset, isQuote = this.isQuote) {
    this.asset = asset;
    this.isQuote = isQuote;
    setText("impact-unit", this.unit);
    byId("impact-unit").setAttribute("aria-label", `Size in ${this.unit}; in ${isQuote ? asset : "USDT"} instead`);
    byId("impact-size").setAttribute("aria-label", `Size in ${this.unit}`);
  }

  /** Take what was typed so far; `onReady` is called once the hand rests. @param {string} text @param {() => void} onReady */
  type(text, onReady) {
    this.size = text;
    window.clearTimeout(this.typingTask);
    byId("impact-size").setAttribute("aria-invalid", String(text.trim() !== "" && sizeOf(text) === null));
    this.clear();
    this.typingTask = window.setTimeout(() => {
      this.typingTask = 0;
      onReady();
    }, TYPING_MS);
  }

  /** Show no figures, but `note` if the form has a size; an answer that is still to come is dropped.
   * @param {string} [note]
   */
  clear(note = "") {
    this.asked?.abort();
    this.asked = null;
    const isWrong = this.size.trim() !== "" && sizeOf(this.size) === null;
    const wrong = `Type how much ${this.unit} as a number above 0 without commas, such as ${this.isQuote ? "25000" : "0.5"}.`;
    this.show([], isWrong ? wrong : this.size.trim() && note, null);
  }

  /** Ask for the form's order on `symbol`, unless it has no size yet; an older question is dropped.
   * @param {string} symbol @param {number} decimals
   */
  async ask(symbol, decimals) {
    if (this.typingTask || (this.asked && performance.now() - this.askedAt < ANSWER_MS)) return;
    const size = sizeOf(this.size);
    if (this.asked || size === null) this.clear(NO_ANSWER); // what is shown is of before
    if (size === null) return;
    const asked = new AbortController();
    this.asked = asked;
    this.askedAt = performance.now();
    const query = new URLSearchParams({ symbol, side: this.side, depth: "known", [this.isQuote ? "quote_size" : "size"]: this.size.trim() });
    let answer;
    try {
      const reply = await fetch(`${this.base}/simulate?${query}`, { signal: asked.signal });
      answer = await reply.json();
    } catch {
      answer = { reason: NO_ANSWER };
    }
    if (asked !== this.asked) return;
    this.asked = null;
    if (answer.reason === undefined) this.show(...orderTexts(answer, decimals, this.asset), answer);
    else this.show([], answer.reason, null);
  }

  /** @param {[string, string][]} figures @param {string} note @param {any} order */
  show(figures, note, order) {
    byId("impact-figures").replaceChildren(...definitions(figures));
    setText("impact-note", note);
    this.onOrder(order);
  }
}
