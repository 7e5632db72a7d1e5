// What comes over /ws/{symbol}?updates=1, as far as the page reads it. The API's own words are at /schema.

export type Level = [price: number, size: number];
export type TapeEntry = [
  time: number, price: number, size: number, visible: number | null, side: "buy" | "sell", id: number,
];

/** One depth event as it was applied; sizes are absolute, 0 removes. */
export interface Update {
  u: number;
  pu: number;
  T: number;
  bids: Level[];
  asks: Level[];
  low?: number | null;
  high?: number | null;
}

/** Every covered level before the first of a frame's updates, best first. */
export interface WholeBook {
  u: number;
  T: number;
  low: number;
  high: number;
  bids: Level[];
  asks: Level[];
}

export interface Detection {
  id: string;
  kind: string;
  event: "opened" | "updated" | "closed" | "fired";
  side: "bid" | "ask";
  price: number;
  started_at: number;
  time: number;
  reason: string | null;
  magnitude: number;
  rank: number | null;
  evidence: Record<string, any>;
}

export type Status = "live" | "syncing" | "stale";

export interface Row {
  timestamp: number;
  status: Status;
  reason: string | null;
  mid_price: number | null;
  spread: number | null;
  imbalance: number | null;
  ofi: number | null;
  ofi_best: number | null;
  ofi_levels: number[] | null;
  queue_imbalance: number | null;
  microprice: number | null;
  bid_levels: Level[] | null;
  ask_levels: Level[] | null;
  trades: { buy_volume: number; sell_volume: number; vwap: number | null; rpi_volume: number | null; count: number } | null;
  detections: Detection[];
  updates: Update[] | null;
  book: WholeBook | null;
  tape: TapeEntry[] | null;
}

export interface Frame extends Row {
  symbol: string;
  source: string;
  last_update_id: number | null;
  exchange_time: number | null;
  tick_size?: number | null;
  total_bid_volume: number | null;
  total_ask_volume: number | null;
  health: any;
  history?: Row[];
}
