// The market impact form: what a market order would cost now, asked of the API's /simulate for each new second.
//
// What is shown is of this second or it is not shown: without an answer the figures go out and the reason stands
// in their place.
"use strict";
(function (liquidity) {
  const SIDES = ["buy", "sell"];
  const EXACT = new Intl.NumberFormat("en-US", { maximumFractionDigits: 8 });

  /** Return [figures, note] that say what an order came to, with prices of so many decimals. */
  function orderTexts(order, decimals) {
    const { number, signed } = liquidity.readout;
    const levels = `${order.levels_consumed} level${order.levels_consumed === 1 ? "" : "s"}`;
    const figures = [
      ["average", number(order.avg_price, decimals + 2)],
      ["slippage", `${signed(order.slippage, decimals + 1)} (${signed(order.slippage_bps, 2)} bp)`],
      ["eats", `${levels}, to ${number(order.worst_price, decimals)}`],
    ];
    const [filled, size] = [EXACT.format(order.filled), EXACT.format(order.size)];
    return [figures, order.complete ? "" : `Only ${filled} of ${size}: the ten levels hold no more.`];
  }

  class ImpactForm {
    /** `base` is the API's URL; `onOrder` is called with each answer, and with null where there is none. */
    constructor(base, onOrder) {
      this.base = base;
      this.onOrder = onOrder;
      this.side = "buy";
      this.size = "";
      this.asked = null; // an AbortController, only while an answer is awaited
    }

    choose(side) {
      this.side = side;
      for (const name of SIDES) document.getElementById(`impact-${name}`).setAttribute("aria-pressed", String(name === side));
    }

    /** Show no figures, but `note` if the form has a size; an answer that is still to come is dropped. */
    clear(note = "") {
      this.asked?.abort();
      this.asked = null;
      this.show([], this.size.trim() ? note : "", null);
    }

    /** Ask for the form's order on `symbol`, unless it has no size; an older question is dropped. */
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

    show(figures, note, order) {
      const list = document.getElementById("impact-figures");
      list.replaceChildren(...figures.flatMap(([name, text]) => [
        Object.assign(document.createElement("dt"), { textContent: name }),
        Object.assign(document.createElement("dd"), { textContent: text }),
      ]));
      liquidity.readout.setText("impact-note", note);
      this.onOrder(order);
    }
  }

  liquidity.ImpactForm = ImpactForm;
  liquidity.orderTexts = orderTexts;
})((window.liquidity = window.liquidity || {}));
