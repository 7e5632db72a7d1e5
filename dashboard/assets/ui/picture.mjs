// The page's picture as PNG: the map, the depth curve and what they are of.

import { bothTimes } from "./formats.mjs";
import { FONT, THEMES } from "./themes.mjs";

const HEAD = 34; // px above the pictures, for the words

/** Save what the canvases show, under each other's places on the page.
 * @param {HTMLCanvasElement[]} canvases @param {string} words @param {number} at  ms @param {"dark" | "light"} theme
 */
export async function savePicture(canvases, words, at, theme) {
  const shown = canvases.filter(({ width, height }) => width && height);
  const boxes = shown.map((canvas) => canvas.getBoundingClientRect());
  const ratio = window.devicePixelRatio || 1;
  const [left, top] = [Math.min(...boxes.map((box) => box.left)), Math.min(...boxes.map((box) => box.top))];
  const picture = document.createElement("canvas");
  picture.width = Math.round((Math.max(...boxes.map((box) => box.right)) - left) * ratio);
  picture.height = Math.round((Math.max(...boxes.map((box) => box.bottom)) - top + HEAD) * ratio);
  const context = /** @type {CanvasRenderingContext2D} */ (picture.getContext("2d"));
  context.fillStyle = THEMES[theme].back;
  context.fillRect(0, 0, picture.width, picture.height);
  shown.forEach((canvas, index) => {
    context.drawImage(canvas, (boxes[index].left - left) * ratio, (boxes[index].top - top + HEAD) * ratio);
  });
  context.fillStyle = THEMES[theme].text;
  context.font = `600 ${14 * ratio}px ${FONT}`;
  context.textBaseline = "middle";
  context.fillText(`${words}  ·  ${new Date(at).toISOString().slice(0, 10)} ${bothTimes(at)}`, 10 * ratio, (HEAD / 2) * ratio);
  const blob = await new Promise((resolve) => { picture.toBlob(resolve, "image/png"); });
  if (!(blob instanceof Blob)) return null;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${words.split(" ")[0]}-${new Date(at).toISOString().slice(0, 19).replaceAll(":", "")}Z.png`;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  return link.download;
}
