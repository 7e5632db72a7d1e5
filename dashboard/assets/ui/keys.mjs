// What keys do.

/** @import {App} from "../app.mjs" */

const STEP_PX = 60;

/** @param {App} app */
export function listenToKeys(app) {
  const pan = (/** @type {number} */ right, /** @type {number} */ down) => () => app.gestures?.pan(right * STEP_PX, down * STEP_PX);
  const zoom = (/** @type {number} */ factor) => () => {
    const { map } = app.map.layout;
    app.gestures?.zoom(factor, { x: map.left + map.width / 2, y: map.top + map.height / 2 }, "map");
  };
  /** @type {Record<string, () => void>} */
  const keys = {
    " ": () => app.togglePause(), f: () => app.fit(), t: () => app.toggleTheme(), h: () => app.health.toggle(app.heard()),
    p: () => app.savePicture(), "?": () => app.toggleKeys(), "+": zoom(0.7), "=": zoom(0.7), "-": zoom(1 / 0.7),
    ArrowLeft: pan(1, 0), ArrowRight: pan(-1, 0), ArrowUp: pan(0, 1), ArrowDown: pan(0, -1),
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return app.closeAll();
    const { target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || !(target instanceof Element)) return undefined;
    if (target.closest("input, textarea, select, .scroll")) return undefined;
    if (event.key === " " && target.closest("button")) return undefined; // which it presses
    const symbol = app.symbols[Number(event.key) - 1];
    const act = keys[event.key];
    if (act) {
      event.preventDefault();
      act();
    } else if (symbol) app.chooseSymbol(symbol);
    return undefined;
  });
}
