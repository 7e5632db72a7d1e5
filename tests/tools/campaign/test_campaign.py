"""The fault campaign, shortened; how long a way back takes is measured by the command alone."""

from random import Random

import pytest

from tests.tools.campaign.in_process import DEEDS, SYMBOLS, run_in_process
from tests.tools.campaign.judge import Judge
from tests.tools.campaign.plan import bouts
from tests.tools.campaign.processes import run_processes
from tests.tools.campaign.recovery import Recovery
from tests.tools.campaign.verdict import Part, sentence

BIDS = [(100.0 - level, 1.0) for level in range(10)]
ASKS = [(101.0 + level, 1.0) for level in range(10)]
FRAME = {"status": "live", "reason": None, "last_update_id": 7, "bid_levels": BIDS, "ask_levels": ASKS}
NO_BOUND = float("inf")


@pytest.mark.parametrize("seed", [1, 2])
def test_hundreds_of_faults_make_no_wrong_frame_live(seed: int) -> None:
    """Faults of all kinds, several at once, on two symbols: all is exact or dark, nothing is left."""
    part = run_in_process(100, seed)
    assert part.failures(NO_BOUND) == []
    assert part.judge.live > 100
    assert part.judge.books > 500
    assert part.judge.answers > 50
    assert part.played == 100


def test_processes_that_die_and_hostile_clients_make_no_wrong_frame_live() -> None:
    """The real program: killed, stopped, flooded; every frame and order is exact or dark."""
    part = run_processes(12, 1, idle=100)
    assert part.failures(NO_BOUND) == []
    assert part.judge.live > 0
    assert part.judge.answers > 0


def test_shards_add_up() -> None:
    """What parts have found is neither lost nor counted twice."""
    one, other = Part("one", recoveries=[1.0], seconds=3), Part("other", recoveries=[2.0], leaks=["a task"])
    one.faults["gap"], other.faults["gap"], other.counted["resyncs"] = 2, 3, 4
    other.judge.object("wrong")
    other.judge.live = 5
    one.add(other)
    assert (one.played, one.recoveries, one.leaks, one.seconds) == (5, [1.0, 2.0], ["a task"], 3)
    assert (one.judge.live, one.judge.wrong, one.counted["resyncs"]) == (5, 1, 4)
    assert list(one.judge.sentences) == ["wrong"]


def test_a_seed_decides_the_faults() -> None:
    """The same seed plans the same campaign, another one another."""

    def planned(seed: int) -> list[str]:
        drawn = bouts(Random(seed), 100, SYMBOLS, DEEDS, deed_share=0.2, most_at_once=9)  # noqa: S311
        return [str(one) for bout in drawn for one in bout]

    assert planned(1) == planned(1)
    assert planned(1) != planned(2)
    assert len(planned(1)) == 100


@pytest.mark.parametrize(
    ("changed", "truth"),
    [
        ({"bid_levels": [(100.0, 1.1), *BIDS[1:]]}, (BIDS, ASKS)),
        ({"ask_levels": ASKS[:9]}, (BIDS, ASKS)),
        ({}, None),
        ({"status": "stale", "reason": "silence", "mid_price": 100.5}, (BIDS, ASKS)),
        ({"status": "syncing", "bid_levels": None, "ask_levels": None, "last_update_id": None}, None),
    ],
)
def test_the_judge_sees_what_is_wrong(changed: dict[str, object], truth: object) -> None:
    """A size off by a tenth, a missing level, an unknown id, values in the dark, no reason."""
    judge = Judge()
    judge.frame(FRAME, (BIDS, ASKS), "here")
    assert (judge.live, judge.wrong) == (1, 0)
    judge.frame(FRAME | changed, truth, "here")  # type: ignore[arg-type]
    assert judge.wrong == 1


def test_a_recovery_runs_from_the_end_of_the_fault() -> None:
    """What still acts and what a rate limit forbids is not the program's own time."""
    recovery = Recovery()
    recovery.look(0, live=True)
    recovery.acts(10)
    for now in range(1, 16):
        recovery.look(now, live=False, limited=12 < now <= 14)
    recovery.look(16, live=True)
    assert recovery.times == [4]
    assert recovery.waited == 2
    assert recovery.quiet(17)


def test_what_is_wrong_slow_or_left_behind_fails_a_campaign() -> None:
    """Each is named, and the sentence counts them."""
    part = Part("a part", recoveries=[0.5, 6.0], leaks=["3 sockets"])
    part.judge.object("a level is wrong")
    assert len(part.failures(5.0)) == 3
    assert "1 wrong" in sentence([part])
    assert "at worst 6.00 s" in sentence([part])
    assert "leaked: 3 sockets" in sentence([part])
