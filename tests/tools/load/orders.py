"""Simulated orders at depth=known checked against the exchange's whole book, and how long one call takes.

python -m tests.tools.load.orders --orders 10000

Runs the program on the rig and asks for 20 orders a call. Every order is walked once more, in fractions,
through the exchange's whole book at that update: where the program knows less of it an order may be
incomplete, but what is said must be right to the digit. Exits 1 where an order was wrong.
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import httpx

from tests.program import PATIENCE, Program, listening, next_live
from tests.replay.rig import SYMBOL, Rig

SIZES: Final = 20
SMALLEST, LARGEST = 1e-3, 3e3  # BTC; a side of the recording's book holds some hundreds and more
USDT: Final = 60_000
MOST_TOLD: Final = 10
PAUSE: Final = 0.02  # seconds between two calls

Levels = list[tuple[Fraction, Fraction]]
Order = Mapping[str, Any]


@dataclass(slots=True)
class Checked:
    """What was seen."""

    orders: int = 0
    incomplete: int = 0  # went beyond what was known
    levels: int = 0  # taken from, in all
    updates: set[int] = field(default_factory=set)
    refused: int = 0
    unknown: int = 0  # the exchange no longer had the book
    wrong: list[str] = field(default_factory=list)
    calls_ms: list[float] = field(default_factory=list)

    def told(self) -> str:
        """Return it in a few lines."""
        calls = sorted(self.calls_ms)
        high = calls[int(0.99 * (len(calls) - 1))]
        lines = [f"wrong: {sentence}" for sentence in self.wrong[:MOST_TOLD]]
        lines.append(
            f"{self.orders:,} orders at {len(self.updates):,} updates, {self.levels / self.orders:.0f} "
            f"levels each on average, {self.incomplete:,} beyond what is known; {len(self.wrong)} wrong"
        )
        lines.append(f"{self.refused} calls refused, {self.unknown} too late to be checked")
        lines.append(
            f"one call with {SIZES} sizes, {len(calls)} calls: median {statistics.median(calls):.1f} ms, "
            f"99 % {high:.1f} ms, worst {calls[-1]:.1f} ms"
        )
        return "\n".join(lines)


def levels_of(said: list[list[float]]) -> Levels:
    """Return levels in fractions."""
    return [(exact(price), exact(size)) for price, size in said]


def exact(number: float) -> Fraction:
    """Return the decimal that was written."""
    return Fraction(Decimal(str(number)))


def taken(levels: Levels, order: Order) -> tuple[Fraction, Fraction, int, bool]:
    """Return what an order takes, what that costs, of how many levels, and whether they hold enough."""
    in_quote = order["size"] is None
    left = exact(order["quote_size"] if in_quote else order["size"])
    filled, cost = Fraction(0), Fraction(0)
    for count, (price, size) in enumerate(levels, 1):
        takes = min(size, left / price if in_quote else left)
        if in_quote and takes < size:
            takes = Fraction((filled + takes) * 10**8 // 1, 10**8) - filled
        filled, cost = filled + takes, cost + takes * price
        left -= takes * price if in_quote else takes
        if takes < size or not left:
            return filled, cost, count if takes else count - 1, True
    return filled, cost, len(levels), False


def fault_of(book: Mapping[str, Any], answer: Mapping[str, Any], order: Order, levels: Levels) -> str | None:
    """Say what of an order is not what the exchange's whole book makes of it, or None."""
    filled, cost, count, complete = taken(levels, order)
    if not order["complete"]:
        # What was known is a part of the book, from the touch on: that much must be right.
        if order["slippage"] is not None or order["slippage_bps"] is not None:
            return "beyond what is known, and yet it has a slippage"
        if exact(order["filled"]) > filled:
            return f"filled {order['filled']}, more than there is"
        part = {**order, "size": order["filled"], "quote_size": None}
        filled, cost, count, complete = taken(levels, part)
    mid = (exact(book["bids"][0][0]) + exact(book["asks"][0][0])) / 2
    slippage = (cost / filled - mid) * (1 if answer["side"] == "buy" else -1)
    right = {
        "avg_price": cost / filled,
        "filled": filled,
        "filled_quote": cost,
        "worst_price": levels[count - 1][0],
    }
    if order["complete"]:
        right |= {"slippage": slippage, "slippage_bps": slippage / mid * 10_000}
    if order["size"] is None:
        right["unfilled_quote"] = exact(order["quote_size"]) - round(cost, 8)
    else:
        right["unfilled"] = exact(order["size"]) - filled
    odd = [name for name, value in right.items() if order[name] != float(round(value, 8))]
    odd += ["levels_consumed"] * (order["levels_consumed"] != count) + ["complete"] * (not complete)
    odd += ["mid_price"] * (answer["mid_price"] != float(round(mid, 8)))
    return f"{', '.join(odd)} of {dict(order)}" if odd else None


class Checker:
    """Asks the program, and the exchange what would have been right."""

    def __init__(self, program: Program, rig: Rig, seed: int) -> None:
        self.checked = Checked()
        self._url = f"http://127.0.0.1:{program.api_port}/simulate"
        self._rig = rig
        self._random = random.Random(seed)  # noqa: S311 - no cryptography

    def _question(self) -> dict[str, str]:
        """Return any orders, most of them small."""
        draw = self._random
        in_quote, side = draw.random() < 0.5, draw.choice(["buy", "sell"])
        sizes = [SMALLEST * (LARGEST / SMALLEST) ** draw.random() for _ in range(SIZES)]
        texts = [f"{size * USDT:.2f}" if in_quote else f"{size:.{draw.randint(3, 8)}f}" for size in sizes]
        return {
            "symbol": SYMBOL,
            "side": side,
            "depth": "known",
            "quote_sizes" if in_quote else "sizes": ",".join(texts),
        }

    async def check(self, orders: int) -> Checked:
        """Check so many orders."""
        checked = self.checked
        async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as http:
            while checked.orders < orders:
                began = time.perf_counter()
                reply = await http.get(self._url, params=self._question())
                passed = (time.perf_counter() - began) * 1_000
                if reply.status_code == 503:
                    checked.refused += 1
                else:
                    checked.calls_ms.append(passed)
                    await self._judge(http, reply.raise_for_status().json())
                await asyncio.sleep(PAUSE)
        return checked

    async def _judge(self, http: httpx.AsyncClient, answer: dict[str, Any]) -> None:
        u = answer["last_update_id"]
        reply = await http.get(f"{self._rig.http}/_levels/{SYMBOL}/{u}")
        if reply.status_code != 200:
            self.checked.unknown += 1
            return
        # Here, where the program's answer has been taken, other calls wait for nothing.
        faults = await asyncio.to_thread(faults_of, reply.content, answer)
        checked = self.checked
        checked.updates.add(u)
        checked.orders += len(answer["orders"])
        checked.incomplete += sum(not order["complete"] for order in answer["orders"])
        checked.levels += sum(order["levels_consumed"] for order in answer["orders"])
        checked.wrong += [f"at {u}: {fault}" for fault in faults]


def faults_of(whole: bytes, answer: dict[str, Any]) -> list[str]:
    """Return what is wrong in an answer, by the exchange's whole book."""
    book = json.loads(whole)
    levels = levels_of(book["asks" if answer["side"] == "buy" else "bids"])
    if len(answer["orders"]) != SIZES:
        return [f"{len(answer['orders'])} orders where {SIZES} were asked for"]
    found = (fault_of(book, answer, order, levels) for order in answer["orders"])
    return [fault for fault in found if fault is not None]


async def checked_orders(orders: int, seed: int = 1, *options: str) -> Checked:
    """Run the program on the rig, and check so many orders."""
    async with Rig(*options) as rig, Program(**rig.settings) as program:
        async with listening(program.url(SYMBOL)) as connection:
            await next_live(connection)
        return await Checker(program, rig, seed).check(orders)


def main() -> int:
    """Read the command line, run, and print what was seen."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.load.orders", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    checked = asyncio.run(checked_orders(given.orders, given.seed))
    print(checked.told())
    return 1 if checked.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
