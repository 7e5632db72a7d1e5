// From where the surface is seen: turned around the vertical, lifted between two limits, never so near that it is cropped.

/** @typedef {{x: number, y: number, z: number}} Point */

const FIRST = { azimuth: -1.22, elevation: 0.56, zoom: 1 };
const LOWEST = 0.14; // rad above the floor
const HIGHEST = 1.35;
const FARTHEST = 2.5; // times the distance from which all is seen as large as it can be
const HALF_ANGLE = Math.tan(Math.PI / 8); // of Plotly's view, upwards
const TURN = 0.008; // rad for each pixel
// The scene around its middle, in Plotly's units: see the aspect ratio in figures.py.
export const FLOOR = { x: 1.11, y: 0.585, z: -0.31 };
export const CEILING = { x: 1.11, y: 0.585, z: 0.31 };
// Font heights that labels reach past the scene: to either side, below the floor, and above the ceiling.
export const LABEL = { across: 5.4, floor: 2, ceiling: 0.7 };
const LEAST_SHARE = 0.35; // of a panel that is left for the scene, however small it is

/** @param {{x: number, y: number, z: number}} of */
const corners = ({ x, y, z }) => [[x, y], [x, -y], [-x, y], [-x, -y]].map((at) => ({ x: at[0], y: at[1], z }));

/** @param {Point} a @param {Point} b */
const dot = (a, b) => a.x * b.x + a.y * b.y + a.z * b.z;

export class SurfaceCamera {
  constructor() {
    this.azimuth = FIRST.azimuth;
    this.elevation = FIRST.elevation;
    this.zoom = FIRST.zoom;
    this.font = 11; // px, of the labels
  }

  /** See it as at first. */
  reset() {
    Object.assign(this, FIRST);
  }

  /** Turn and lift by so many pixels of a drag. @param {number} right @param {number} down */
  turn(right, down) {
    this.azimuth -= right * TURN;
    this.elevation = Math.min(HIGHEST, Math.max(LOWEST, this.elevation + down * TURN));
  }

  /** Go farther away (above 1) or nearer. @param {number} factor */
  move(factor) {
    this.zoom = Math.min(FARTHEST, Math.max(1, this.zoom * factor));
  }

  /** The three directions of what is seen: towards the eye, to the right and upwards. */
  get axes() {
    const [a, e] = [this.azimuth, this.elevation];
    return {
      back: { x: Math.cos(e) * Math.cos(a), y: Math.cos(e) * Math.sin(a), z: Math.sin(e) },
      right: { x: -Math.sin(a), y: Math.cos(a), z: 0 },
      up: { x: -Math.sin(e) * Math.cos(a), y: -Math.sin(e) * Math.sin(a), z: Math.cos(e) },
    };
  }

  /** Return from how far, and past which point, the whole scene fits a panel, about as near as can be: {distance, right, up}.
   * @param {number} width  px @param {number} height
   */
  fitting(width, height) {
    const { back, right, up } = this.axes;
    const left = (/** @type {number} */ label, /** @type {number} */ size) => Math.max(LEAST_SHARE, 1 - (2 * label * this.font) / size);
    const along = (/** @type {Point} */ axis, /** @type {number} */ half, /** @type {number[]} */ shares) => {
      // A corner is in view from `depth + |off - shift| / half` on, where the labels leave less than half of the panel.
      const ends = [FLOOR, CEILING].flatMap((of, index) => corners(of).map((corner) => (
        { depth: dot(corner, back), off: dot(corner, axis), half: half * shares[index] }
      )));
      const [most, least] = [1, -1].map((sign) => Math.max(...ends.map((end) => end.depth + (sign * end.off) / end.half)));
      const shift = (half * (most - least)) / 2;
      return { distance: Math.max(...ends.map((end) => end.depth + Math.abs(end.off - shift) / end.half)), shift };
    };
    const upwards = along(up, HALF_ANGLE, [left(LABEL.floor, height), left(LABEL.ceiling, height)]);
    const across = along(right, (HALF_ANGLE * width) / height, [left(LABEL.across, width), left(LABEL.across, width)]);
    return { distance: Math.max(upwards.distance, across.distance), right: across.shift, up: upwards.shift };
  }

  /** Return Plotly's camera for a panel. @param {number} width  px @param {number} height */
  camera(width, height) {
    const { back, right, up } = this.axes;
    const fit = this.fitting(width, height);
    const distance = fit.distance * this.zoom;
    const at = (/** @type {"x" | "y" | "z"} */ axis) => right[axis] * fit.right + up[axis] * fit.up;
    const center = { x: at("x"), y: at("y"), z: at("z") };
    return {
      eye: { x: center.x + distance * back.x, y: center.y + distance * back.y, z: center.z + distance * back.z },
      center, up: { x: 0, y: 0, z: 1 }, projection: { type: "perspective" },
    };
  }

  /** Return where in a panel (px from its top left) a point of the scene is seen. @param {Point} point @param {number} width
   * @param {number} height
   */
  placeOf(point, width, height) {
    const { back, right, up } = this.axes;
    const { eye } = this.camera(width, height);
    const from = { x: point.x - eye.x, y: point.y - eye.y, z: point.z - eye.z };
    const scale = height / 2 / HALF_ANGLE / -dot(from, back);
    return { x: width / 2 + scale * dot(from, right), y: height / 2 - scale * dot(from, up) };
  }
}

const STEP_PX = 24;

/** Have a hand on `element` move a camera, by pointer, wheel and keys. @param {HTMLElement} element
 * @param {SurfaceCamera} camera @param {() => void} onMove
 */
export function handOn(element, camera, onMove) {
  /** @type {Map<number, {x: number, y: number}>} the pointers that are down */
  const down = new Map();
  const act = (/** @type {() => void} */ change) => {
    change();
    onMove();
  };
  element.addEventListener("pointerdown", (event) => {
    if (event.button > 0) return;
    element.setPointerCapture(event.pointerId);
    down.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });
  element.addEventListener("pointermove", (event) => {
    const before = down.get(event.pointerId);
    if (!before) return;
    const at = { x: event.clientX, y: event.clientY };
    const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
    down.set(event.pointerId, at);
    const apart = (/** @type {{x: number, y: number}} */ one) => Math.max(20, other ? Math.hypot(one.x - other.x, one.y - other.y) : 0);
    if (other) act(() => camera.move(apart(before) / apart(at)));
    else act(() => camera.turn(at.x - before.x, event.pointerType === "touch" ? 0 : at.y - before.y)); // which scrolls the page
  });
  for (const kind of /** @type {const} */ (["pointerup", "pointercancel", "lostpointercapture"])) {
    element.addEventListener(kind, (event) => down.delete(event.pointerId));
  }
  element.addEventListener("touchmove", (event) => {
    if (event.cancelable && down.size > 1) event.preventDefault();
  }, { passive: false });
  element.addEventListener("wheel", (event) => {
    event.preventDefault();
    act(() => camera.move(Math.exp(Math.max(-400, Math.min(400, event.deltaMode ? event.deltaY * 30 : event.deltaY)) * 0.0012)));
  }, { passive: false });
  element.addEventListener("dblclick", () => act(() => camera.reset()));
  /** @type {Record<string, () => void>} */
  const keys = {
    ArrowLeft: () => camera.turn(-STEP_PX, 0), ArrowRight: () => camera.turn(STEP_PX, 0), ArrowUp: () => camera.turn(0, -STEP_PX),
    ArrowDown: () => camera.turn(0, STEP_PX), "+": () => camera.move(0.85), "=": () => camera.move(0.85), "-": () => camera.move(1 / 0.85),
  };
  element.addEventListener("keydown", (event) => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    act(keys[event.key]);
  });
}
