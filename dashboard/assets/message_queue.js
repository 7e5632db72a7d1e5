// Keeps every frame from the moment it arrives.
//
// The page's WebSocket component shows only the latest message to its callback, so of several that arrive
// close together some would be lost. Every socket to /ws/ therefore also puts its messages here, and the
// callback drains the queue.
"use strict";
(function (liquidity) {
  const MOST = 400; // frames; a page that is asleep keeps the newest
  const waiting = [];

  class QueueingWebSocket extends window.WebSocket {
    constructor(url, protocols) {
      super(url, protocols);
      if (!new URL(url, window.location.href).pathname.startsWith("/ws/")) return;
      this.addEventListener("message", (event) => {
        waiting.push({ url: String(url), text: event.data, at: Date.now() });
        if (waiting.length > MOST) waiting.shift();
      });
    }
  }
  window.WebSocket = QueueingWebSocket;

  /** Return all messages that have come since the last call: {url, text, at}. */
  function take() {
    return waiting.splice(0, waiting.length);
  }

  liquidity.messageQueue = { take };
})((window.liquidity = window.liquidity || {}));
