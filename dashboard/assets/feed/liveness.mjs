// Whether the newest frame still says something of now. Pure: both clocks are passed in.
//
// Ages are by the steady clock, which nobody sets. It may stand still while the machine sleeps; the wall clock tells of
// that by jumping ahead of it, but tells the same when somebody sets it. Then only the next frame is believed.

const LATE_MS = 2500; // without a frame for so long the page says that it is disconnected
const JUMP_MS = 1500;
const DRIFT_MS = 0.1; // that the steady clock may gain on the engine's between two frames

export class Liveness {
  constructor() {
    this.wallAhead = NaN;
    this.lead = Infinity; // how far the steady clock is ahead of the frames' times, at least
    this.timestamp = NaN;
    this.doubted = false;
  }

  /** Forget what was heard: another symbol follows. */
  reset() {
    Object.assign(this, new Liveness(), { wallAhead: this.wallAhead });
  }

  /** Hear a frame of `timestamp` that arrived at `at` (steady ms). @param {number} timestamp @param {number} at */
  heard(timestamp, at) {
    if (timestamp < this.timestamp || this.doubted) this.lead = Infinity;
    this.doubted = false;
    this.timestamp = timestamp;
    this.lead = Math.min(this.lead + DRIFT_MS, at - timestamp);
  }

  /** Look at both clocks. @param {number} steady @param {number} wall */
  tick(steady, wall) {
    const ahead = wall - steady;
    if (ahead - this.wallAhead > JUMP_MS) this.doubted = true;
    this.wallAhead = ahead;
  }

  /** Return how old the newest frame is (ms); NaN before the first. @param {number} steady */
  age(steady) {
    return steady - this.lead - this.timestamp;
  }

  /** Return why the newest frame says nothing of now, or "" where it does. @param {number} steady @param {string} symbol */
  trouble(steady, symbol) {
    if (Number.isNaN(this.timestamp)) return `no frame of ${symbol} yet; connecting to the API`;
    const age = this.age(steady);
    if (age > LATE_MS) return `no frame for ${Math.round(age / 1000)} s; connecting to the API`;
    return this.doubted ? "this machine slept, or its clock was set; waiting for the next frame" : "";
  }
}
