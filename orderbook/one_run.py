"""The order of a small `SortedDict`, told once for a whole event instead of with every key.

A `SortedDict` keeps its keys in runs of up to two thousand, and with each one that comes or goes it sees to
lengths, bounds and indices of the runs: several times what putting a price into a short list takes. So an
event begins with `order_of`, changes that one run along with the dict's items, and ends with `settle`;
between the two nothing else may be asked of the dict. Then all that a `SortedDict` promises holds again, by
its own check.

This looks behind sortedcontainers' door. Its version is pinned, and the book's tests call that check.
"""
# ruff: noqa: SLF001

from typing import Any

from sortedcontainers import SortedDict


def order_of(levels: "SortedDict[float, Any]") -> list[float]:
    """Return the keys in order, the very list of the dict, to be changed. Constant time."""
    runs: list[list[float]] = levels._list._lists  # type: ignore[attr-defined]
    if not runs:
        runs.append([])
    return runs[0]


def settle(levels: "SortedDict[float, Any]") -> None:
    """Tell the dict what has become of its keys. Constant time."""
    keys = levels._list  # type: ignore[attr-defined]
    run = keys._lists[0]
    if run:
        if keys._maxes:
            keys._maxes[0] = run[-1]
        else:
            keys._maxes.append(run[-1])
        keys._len = len(run)
        if keys._index:
            keys._index.clear()
    else:
        keys.clear()
