// What the page's modules find in `window` without importing it, and what its tests are run with. Only for the
// type checker: nothing here is served.

/** The part of Plotly that the page uses. */
interface PlotlyModule {
  newPlot(root: HTMLElement, data: object[], layout?: object, config?: object): Promise<HTMLElement>;
  react(root: HTMLElement, data: object[], layout?: object, config?: object): Promise<HTMLElement>;
  relayout(root: HTMLElement, changes: object): Promise<HTMLElement>;
  restyle(root: HTMLElement, changes: object, traces?: number | number[]): Promise<HTMLElement>;
  purge(root: HTMLElement): void;
  Plots: { resize(root: HTMLElement): Promise<void> };
}

interface DashClientside {
  /** What a callback returns for an output that is to stay as it is. */
  readonly no_update: unknown;
  readonly callback_context: any;
  set_props(id: string | object, properties: object): void;
  /** The functions that clientside callbacks are named by, in namespaces. */
  [namespace: string]: any;
}

interface Window {
  dash_clientside: DashClientside;
  /** Missing until its script has been loaded. */
  Plotly?: PlotlyModule;
  /** What the tests of the page look at. */
  liquidity: any;
}

// The unit tests run in Node, of whose own modules no more is known here than that there are some.
declare module "node:*";
