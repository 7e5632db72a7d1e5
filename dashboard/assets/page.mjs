// The page's entry: connects as soon as Dash has laid the page out, and puts it together. No other module imports it.

import { App } from "./app.mjs";
import { apiAddress } from "./feed/api_address.mjs";
import { Connection } from "./feed/connection.mjs";
import { listenToSockets } from "./feed/message_queue.mjs";
import { Preferences } from "./ui/preferences.mjs";

listenToSockets();
window.liquidity = window.liquidity ?? {};
window.dash_clientside = window.dash_clientside ?? {};
window.dash_clientside.liquidity = {
  drain(/** @type {unknown} */ _message, /** @type {{readyState: number, reason?: string} | null} */ state) {
    window.liquidity.page?.stateChanged(state);
    window.liquidity.page?.drain();
    return window.dash_clientside.no_update;
  },
};

/** Connect to the API. @param {HTMLElement} root */
function start(root) {
  const symbols = (root.dataset.symbols ?? "").split(",");
  const preferences = new Preferences(window.location.search);
  const asked = preferences.get("symbol").toUpperCase();
  const symbol = symbols.find((name) => name.toUpperCase() === asked) ?? symbols[0];
  const isOther = asked !== "" && asked !== symbol.toUpperCase();
  if (isOther) preferences.set("symbol", symbol); // so that the address says what is seen
  else preferences.values.symbol = symbol;
  const api = apiAddress(root.dataset, window.location);
  const connection = new Connection(api.replace(/^http/u, "ws"), (url) => window.dash_clientside.set_props("stream", { url }));
  connection.follow(symbol, performance.now());
  window.liquidity.page = new App(root, connection, preferences, api, isOther ? `${asked} is not followed here; this is ${symbol}` : "");
}

function whenLaidOut() {
  const root = document.getElementById("page");
  if (root && document.getElementById("impact-field") && typeof window.dash_clientside.set_props === "function") start(root);
  else window.requestAnimationFrame(whenLaidOut);
}
whenLaidOut();
