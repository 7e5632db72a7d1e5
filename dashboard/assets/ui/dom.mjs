// Small helpers for the page's elements.

/** Return the element with this id, which must be there. @param {string} id @returns {HTMLElement} */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

/** Return a new element. `attributes` that are functions are listeners: {onclick: ...}.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag @param {Record<string, unknown>} [attributes] @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children);
  return element;
}

/** Write a text, unless it stands there already. @param {string} id @param {string} text */
export function setText(id, text) {
  const element = byId(id);
  if (element.textContent !== text) element.textContent = text;
}

/** @param {HTMLElement} element @param {boolean} on */
export function press(element, on) {
  element.setAttribute("aria-pressed", String(on));
}

/** Return the children of a list of names and values. @param {[string, string][]} lines */
export function definitions(lines) {
  return lines.flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)]);
}

/** Make a canvas as sharp as the screen and as large as it is shown; returns [context, width, height] in CSS pixels.
 * `ratio` are the device pixels in one CSS pixel.
 * @param {HTMLCanvasElement} canvas @param {number} [ratio] @returns {[CanvasRenderingContext2D, number, number]}
 */
export function fitted(canvas, ratio = window.devicePixelRatio || 1) {
  const { clientWidth, clientHeight } = canvas;
  const [width, height] = [Math.round(clientWidth * ratio), Math.round(clientHeight * ratio)];
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, clientWidth, clientHeight);
  if (canvas.style.opacity) canvas.style.opacity = "";
  return [context, clientWidth, clientHeight];
}

/** Show nothing of a canvas until it is `fitted` again. Chromium goes on showing what was there where a canvas is cleared and
 * nothing is drawn. @param {HTMLCanvasElement} canvas
 */
export function blank(canvas) {
  fitted(canvas);
  canvas.style.opacity = "0";
}

const LEAST_TEXT_PX = 9; // that can still be read

/** Have a field show all of its text, in smaller letters where it must: a number that is cut reads as another.
 * @param {HTMLInputElement} field
 */
export function fitText(field) {
  field.style.fontSize = "";
  let px = parseFloat(getComputedStyle(field).fontSize);
  for (; field.scrollWidth > field.clientWidth && px > LEAST_TEXT_PX; px -= 0.5) field.style.fontSize = `${px - 0.5}px`;
}
