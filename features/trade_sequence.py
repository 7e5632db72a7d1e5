"""The order of aggregate trades: their ids count up by one, over reconnects too. Pure.

So contiguous ids prove that nothing was missed, however long a stream was quiet or gone, and a step larger
than one says how many are missing. Ids of single trades (`f`, `l`) do skip, and prove nothing.
Source: the project's recordings; Binance documents only that `a` is the aggregate trade's id.
"""

from collections import deque
from typing import Final

from data_ingestion.messages import AggTrade
from features.trade_verdicts import TradeGap, TradeVerdict

REMEMBERED: Final = 1_000
_STEP_MS: Final = 10_000
"""A trade time so far from the one before is believed as it is: one that was wrong must not stand."""


class TradeSequence:
    """Judges trades one by one. Constant time; remembers the last `REMEMBERED` ones."""

    __slots__ = ("_last_id", "_last_time", "_recent")

    def __init__(self) -> None:
        self._last_id: int | None = None
        self._last_time = 0
        self._recent: deque[AggTrade] = deque(maxlen=REMEMBERED)  # of ids that count up to the last one

    def check(self, trade: AggTrade) -> TradeVerdict | TradeGap:
        """Judge `trade`; unless it is a duplicate, move on to it.

        What was told already is the same once more, or older than all that is remembered. Another trade of a
        lower id is none of those: the exchange counts anew, or the id before was wrong; deaf to it one would
        stay for ever.
        """
        last, number, time, recent = self._last_id, trade.trade_id, trade.trade_time, self._recent
        if last is not None and number <= last:
            known = recent[number - last - 1] if last - number < len(recent) else None
            if time <= self._last_time if known is None else _is_same(known, trade):
                return TradeVerdict.DUPLICATE
        follows = last is not None and number == last + 1
        if not follows:
            recent.clear()
        recent.append(trade)
        self._last_id = number
        step = time - self._last_time
        if step > 0 or step < -_STEP_MS:
            self._last_time = time
        if last is None:
            return TradeVerdict.FIRST
        return TradeVerdict.NEXT if follows else TradeGap(last + 1, number)


def _is_same(one: AggTrade, other: AggTrade) -> bool:
    """Whether two trades of the same id are one."""
    return one.trade_time == other.trade_time and one.price == other.price and one.size == other.size
