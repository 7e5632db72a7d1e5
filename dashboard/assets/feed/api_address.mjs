// Where the API is, and why it does not let this page in.

const PATIENCE_MS = 5000;

/** Return the API's URL: the public one where the program was given one, else its port of the page's host.
 * @param {DOMStringMap} facts @param {{protocol: string, hostname: string}} location
 */
export function apiAddress(facts, location) {
  return facts.apiUrl || `${location.protocol}//${location.hostname}:${facts.apiPort}`;
}

/** Return the sentence with which the API refuses this page, or "" where it does not, or cannot be asked.
 * A browser tells a page nothing of a WebSocket that was refused. @param {string} api
 */
export async function whyRefused(api) {
  try {
    const reply = await fetch(`${api}/symbols`, { signal: AbortSignal.timeout(PATIENCE_MS) });
    return reply.status === 403 ? String((await reply.json()).reason ?? "") : "";
  } catch {
    return "";
  }
}
