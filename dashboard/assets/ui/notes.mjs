// Notifies of new detections outside the page: by a note of the desktop, or by a sound where notes are not allowed.

/** Ask for leave to show notes, once somebody wants them. */
export async function askForNotes() {
  if ("Notification" in window && Notification.permission === "default") await Notification.requestPermission();
}

/** Notify of something now. @param {string} title @param {string} body */
export function notify(title, body) {
  if ("Notification" in window && Notification.permission === "granted") {
    try {
      new Notification(title, { body, tag: title }).onclick = () => window.focus();
      return;
    } catch {
      // a browser that allows notes to service workers only
    }
  }
  sound();
}

/** @type {AudioContext | null} */
let audio = null;

function sound() {
  audio ??= new AudioContext();
  const [oscillator, gain] = [audio.createOscillator(), audio.createGain()];
  oscillator.frequency.value = 880;
  gain.gain.setValueAtTime(0.08, audio.currentTime);
  gain.gain.exponentialRampToValueAtTime(0.0001, audio.currentTime + 0.25);
  oscillator.connect(gain).connect(audio.destination);
  oscillator.start();
  oscillator.stop(audio.currentTime + 0.26);
}
