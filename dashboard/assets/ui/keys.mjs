// What keys do.

/** @import {App} from "../app.mjs" */

const STEP_PX = 60;
const TEXTS = "input:not([type='checkbox']), textarea, select"; // what takes all keys
const SCROLLS = [" ", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"];

/** Say whether a key means something to the element that has the focus, more than to the page. @param {Element} target @param {string} key */
function takes(target, key) {
  if (target.closest(TEXTS)) return true;
  if (key === " " && target.closest("button, input, a")) return true; // which it presses
  return target.closest(".scroll") !== null && SCROLLS.includes(key);
}

/** Have what was pressed by a pointer not keep the keys: only who walks there by keyboard presses it with space. */
function giveBackFocus() {
  let byPointer = false;
  const giveBack = () => {
    const { activeElement } = document;
    if (activeElement instanceof HTMLElement && !activeElement.matches(TEXTS)) activeElement.blur();
  };
  document.addEventListener("pointerdown", () => { byPointer = true; }, true);
  document.addEventListener("keydown", () => { byPointer = false; }, true);
  document.addEventListener("click", (event) => {
    if (event.detail > 0) giveBack();
  });
  document.addEventListener("change", ({ target }) => {
    if (!byPointer) return;
    if (target instanceof HTMLSelectElement) target.blur();
    else giveBack();
  });
}

/** @param {App} app */
export function listenToKeys(app) {
  const pan = (/** @type {number} */ right, /** @type {number} */ down) => () => app.hands.gestures.pan(right * STEP_PX, down * STEP_PX);
  const zoom = (/** @type {number} */ factor) => () => {
    const { map } = app.map.layout;
    app.hands.gestures.zoom(factor, { x: map.left + map.width / 2, y: map.top + map.height / 2 }, "map");
  };
  /** @type {Record<string, () => void>} */
  const keys = {
    " ": () => app.hands.togglePause(), f: () => app.hands.fit(), t: () => app.chosen.toggleTheme(), h: () => app.health.toggle(app.heard()),
    p: () => app.savePicture(), "?": () => app.toggleKeys(), "+": zoom(0.7), "=": zoom(0.7), "-": zoom(1 / 0.7),
    ArrowLeft: pan(1, 0), ArrowRight: pan(-1, 0), ArrowUp: pan(0, 1), ArrowDown: pan(0, -1),
  };
  giveBackFocus();
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return app.closeAll();
    const { target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || !(target instanceof Element)) return undefined;
    if (takes(target, event.key)) return undefined;
    const symbol = app.symbols[Number(event.key) - 1];
    const act = keys[event.key];
    if (act) {
      event.preventDefault();
      act();
    } else if (symbol) app.chooseSymbol(symbol);
    return undefined;
  });
}
