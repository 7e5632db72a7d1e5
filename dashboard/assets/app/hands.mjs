// What hands do to the view: hold, follow, fit, and go to a detection.

import { Gestures } from "../map/gestures.mjs";
import { partAt } from "../map/map_layout.mjs";
import { PriceTools } from "../panels/price_tools.mjs";
import { byId } from "../ui/dom.mjs";
import { MARK_REACH } from "./pointer.mjs";

/** @import {App} from "../app.mjs" */
/** @import {Detection} from "../../types/frames.d.ts" */

export class Hands {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    this.gestures = new Gestures(byId("map"), app.map, {
      onView: () => this.viewChanged(), onPoint: (at, touches) => app.pointer.moveTo(at, touches),
      onClick: (at, touches) => this.clicked(at, touches),
    });
    this.priceTools = new PriceTools({ onAuto: () => this.toggleAuto(), onBack: () => this.bringPriceBack() });
  }

  viewChanged() {
    this.app.known.heldFrom = this.app.map.view.following ? Infinity : this.app.map.view.range.from;
    this.app.drawing.soon("view");
  }

  togglePause() {
    if (!this.app.map.view.following) return this.follow();
    this.app.map.view.pause(this.app.map.limits);
    return this.viewChanged();
  }

  /** Go on with now. */
  follow() {
    this.app.pointer.pin = null;
    this.app.map.view.follow(this.app.map.limits);
    this.app.map.advance();
    this.viewChanged();
  }

  /** Fit time and prices, follow, and look at the surface from where it is seen best. */
  fit() {
    this.app.map.view.span = 0;
    this.app.map.view.isSet = false;
    this.app.map.view.fitPricesAnew();
    this.app.surface.resetCamera();
    this.follow();
  }

  /** Choose the prices from the market, or keep the height that they have. */
  toggleAuto() {
    const { view } = this.app.map;
    if (view.priceFits) view.chosen();
    else view.fitPricesAnew();
    this.app.map.advance();
    this.priceTools.show(this.app.map, this.app.mid);
    this.viewChanged();
  }

  /** Show the price again that is out of view. */
  bringPriceBack() {
    if (this.app.mid !== null) this.app.map.view.bringBack(this.app.mid, this.app.map.limits);
    this.viewChanged();
  }

  /** Go to what is at a place; returns whether something is. @param {{x: number, y: number}} at @param {boolean} touches */
  clicked(at, touches) {
    const { part } = partAt(this.app.map.layout, at.x, at.y);
    const mark = part === "lane" ? this.app.map.markNear(at, MARK_REACH[Number(touches)]) : null;
    if (!mark) return false;
    this.app.list.open(mark.entry.id);
    this.showDetection(mark.entry, at);
    this.app.list.reveal(mark.entry.id);
    return true;
  }

  /** Hold the view around a detection, with the crosshair on it; `from` is where the pointer is on the map, if it is.
   * @param {Detection} entry @param {{x: number, y: number} | null} [from]
   */
  showDetection(entry, from = null) {
    const { view, limits } = this.app.map;
    view.centre(entry.started_at, entry.price, limits);
    this.app.pointer.pin = { entry, from };
    this.app.pointer.touches = false;
    this.app.drawing.drawList();
    this.viewChanged();
  }
}
