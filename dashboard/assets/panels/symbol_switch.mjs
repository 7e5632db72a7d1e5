// The switch between symbols: buttons for a few, a list that is searched for many.

import { byId, make, press } from "../ui/dom.mjs";

const MOST_BUTTONS = 4;

export class SymbolSwitch {
  /** @param {string[]} symbols @param {(symbol: string) => void} onChoose */
  constructor(symbols, onChoose) {
    this.symbols = symbols;
    this.onChoose = onChoose;
    /** @type {Map<string, HTMLButtonElement>} */
    this.buttons = new Map();
    this.few = symbols.length <= MOST_BUTTONS;
    for (const symbol of symbols) {
      this.buttons.set(symbol, make("button", {
        id: `symbol-${symbol}`, class: "switch", type: "button", onclick: () => this.choose(symbol),
      }, symbol));
    }
    byId("symbols").append(this.few ? this.row() : this.list());
  }

  row() {
    return make("div", { class: "switches", role: "group", "aria-label": "Symbol" }, ...this.buttons.values());
  }

  list() {
    this.search = make("input", { type: "search", id: "symbol-search", placeholder: "search", "aria-label": "Search symbols", autocomplete: "off" });
    const found = make("div", { class: "found" }, ...this.buttons.values());
    const panel = make("div", { id: "symbol-menu", class: "menu", hidden: true }, this.search, found);
    this.opener = make("button", { id: "symbol-opener", class: "switch", type: "button", "aria-expanded": "false", "aria-controls": "symbol-menu" });
    this.opener.addEventListener("click", () => this.open(panel));
    this.search.addEventListener("input", () => this.filter());
    this.search.addEventListener("keydown", (event) => {
      const first = [...this.buttons].find(([, button]) => !button.hidden);
      if (event.key === "Enter" && first) this.choose(first[0]);
    });
    return make("span", { class: "has-menu" }, this.opener, panel);
  }

  /** @param {HTMLElement} panel */
  open(panel) {
    panel.hidden = !panel.hidden;
    this.opener?.setAttribute("aria-expanded", String(!panel.hidden));
    if (panel.hidden || !this.search) return;
    this.search.value = "";
    this.filter();
    this.search.focus();
    document.querySelector("#symbol-menu [aria-pressed=true]")?.scrollIntoView({ block: "nearest" });
  }

  filter() {
    const wanted = this.search?.value.trim().toUpperCase() ?? "";
    for (const [symbol, button] of this.buttons) button.hidden = !symbol.toUpperCase().includes(wanted);
  }

  /** @param {string} symbol */
  choose(symbol) {
    const panel = this.opener?.nextElementSibling;
    if (panel instanceof HTMLElement) panel.hidden = true;
    this.opener?.setAttribute("aria-expanded", "false");
    this.onChoose(symbol);
  }

  /** Show which symbol is followed. @param {string} symbol */
  show(symbol) {
    for (const [name, button] of this.buttons) press(button, name === symbol);
    if (this.opener) this.opener.textContent = `${symbol} ▾`;
  }
}
