// When to open a new connection, and to which address. Pure but for `open`: times are ms by a steady clock, passed in.

const SILENCE_MS = 3500; // frames come once a second
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5000;
const STABLE_MS = 10_000;
const LISTENED_MS = 500; // a longer time between two ticks counts as so much silence

export class Connection {
  /** `open(url)` must connect to `url`, and give up whatever was open before.
   * @param {string} base @param {(url: string) => void} open
   */
  constructor(base, open) {
    this.base = base;
    this.open = open;
    this.symbol = "";
    this.url = "";
    this.attempts = 0;
    this.openedAt = 0;
    this.heardAt = 0;
    this.tickedAt = 0;
    this.closed = false;
    this.serial = 0;
  }

  /** Listen to `symbol` from now on. @param {string} symbol @param {number} now */
  follow(symbol, now) {
    this.symbol = symbol;
    this.attempts = 0;
    this.connect(now);
  }

  /** @param {number} now */
  connect(now) {
    this.serial += 1; // a new address each time: the component reconnects only if it changes
    this.url = `${this.base}/ws/${encodeURIComponent(this.symbol)}?updates=1&try=${this.serial}`;
    this.openedAt = now;
    this.heardAt = now;
    this.tickedAt = now;
    this.closed = false;
    this.open(this.url);
  }

  /** Note a message that came from `url`; returns whether it is from the connection in use.
   * @param {string} url @param {number} now
   */
  heard(url, now) {
    if (url !== this.url) return false;
    this.heardAt = now;
    if (now - this.openedAt > STABLE_MS) this.attempts = 0;
    return true;
  }

  /** Ask for the history again, not more often than reconnecting would. @param {number} now */
  again(now) {
    if (now - this.openedAt < LONGEST_WAIT_MS) return;
    this.connect(now);
  }

  /** Note that the connection ended. */
  lost() {
    this.closed = true;
  }

  /** Reconnect where the connection is closed or silent and the wait is over. @param {number} now */
  tick(now) {
    if (!this.symbol) return;
    // A page that was busy or asleep has not listened: what came meanwhile is still to be heard.
    this.heardAt = Math.min(now, this.heardAt + Math.max(0, now - this.tickedAt - LISTENED_MS));
    this.tickedAt = now;
    const silent = now - this.heardAt > SILENCE_MS;
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.attempts);
    if ((this.closed && now - this.openedAt > wait) || (silent && now - this.openedAt > Math.max(wait, SILENCE_MS))) {
      this.attempts += 1;
      this.connect(now);
    }
  }
}
