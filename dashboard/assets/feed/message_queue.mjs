// Keeps every frame from the moment it arrives.
//
// The page's WebSocket component shows only the latest message to its callback, so of several that arrive close together
// some would be lost. Every socket to /ws/ therefore also puts its messages here, and the page drains the queue.

const MOST = 400; // frames; a page that is asleep keeps the newest

/** `at` is the arrival by the browser's steady clock (ms). @typedef {{url: string, text: string, at: number}} Message */

/** @type {Message[]} */
const waiting = [];

/** Have all sockets to /ws/ that are made from now on put their messages into the queue. */
export function listenToSockets() {
  const Plain = window.WebSocket;
  window.WebSocket = class QueueingWebSocket extends Plain {
    /** @param {string | URL} url @param {string | string[]} [protocols] */
    constructor(url, protocols) {
      super(url, protocols);
      if (!new URL(url, window.location.href).pathname.includes("/ws/")) return; // a proxy's path may stand before it
      this.addEventListener("message", (event) => {
        waiting.push({ url: String(url), text: event.data, at: performance.now() });
        if (waiting.length > MOST) waiting.shift();
      });
    }
  };
}

/** Return all messages that have come since the last call. */
export function takeMessages() {
  return waiting.splice(0, waiting.length);
}
