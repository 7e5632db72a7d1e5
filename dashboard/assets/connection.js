// When to open a new connection, and to which address. No timers of its own: the page calls `tick`.
"use strict";
(function (liquidity) {
  const SILENCE_MS = 3500; // frames come once a second
  const FIRST_WAIT_MS = 500;
  const LONGEST_WAIT_MS = 5000;
  const STABLE_MS = 10000;
  const LISTENED_MS = 500; // a longer time between two ticks counts as so much silence

  class Connection {
    /** `open(url)` must connect to `url`, and give up whatever was open before. */
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

    /** Listen to `symbol` from now on. */
    follow(symbol, now) {
      this.symbol = symbol;
      this.attempts = 0;
      this.connect(now);
    }

    connect(now) {
      this.serial += 1; // a new address each time: the component reconnects only if it changes
      this.url = `${this.base}/ws/${this.symbol}?ladders=1&try=${this.serial}`;
      this.openedAt = now;
      this.heardAt = now;
      this.tickedAt = now;
      this.closed = false;
      this.open(this.url);
    }

    /** Note a message that came from `url`; returns whether it is from the connection in use. */
    heard(url, now) {
      if (url !== this.url) return false;
      this.heardAt = now;
      if (now - this.openedAt > STABLE_MS) this.attempts = 0;
      return true;
    }

    /** Note that the connection ended. */
    lost() {
      this.closed = true;
    }

    /** Reconnect where the connection is closed or silent and the wait is over. */
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

  liquidity.Connection = Connection;
})((window.liquidity = window.liquidity || {}));
