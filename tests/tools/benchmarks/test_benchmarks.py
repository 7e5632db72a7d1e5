"""The benchmarks' answers, on a few messages. Nothing here looks at a time."""

import msgspec
import pytest

from data_ingestion.messages import decode_depth_update
from processes.core import Core, running_core
from state.engine import EngineSettings
from tests.replay.rig import needs_recording
from tests.tools.benchmarks import growth, latency, many_symbols, scale, stages
from tests.tools.benchmarks.__main__ import main
from tests.tools.benchmarks.contenders import ObviousWay, Stages
from tests.tools.benchmarks.peer import run
from tests.tools.benchmarks.peers import _messages
from tests.tools.benchmarks.replay_script import script_of
from tests.tools.benchmarks.stages import Goal
from tests.tools.benchmarks.streams import RECORDED, Input, of_size, recorded, simulated
from tests.tools.benchmarks.table import table
from tests.tools.benchmarks.timing import Spread, WrongAnswer, check, race, spread


def test_the_stages_and_the_engine_agree_on_the_simulated_exchange() -> None:
    """Top tens equal the market's own, metrics are the same in both, and frames come out."""
    said = stages.agree(simulated(260))
    assert said.startswith("259 of 260 top tens compared")


@needs_recording
def test_the_stages_and_the_engine_agree_on_the_recording() -> None:
    """Top tens equal those of the rig's own book."""
    assert "all equal" in stages.agree(recorded(150))


@pytest.mark.parametrize("size", growth.SIZES)
def test_books_of_any_size_give_the_true_top_ten(size: int) -> None:
    """The messages that growth is measured on keep the book exact."""
    source = of_size(size, 40)
    assert check(Stages(source.settings), source.ticks) == 40
    assert check(ObviousWay(), source.ticks) == 40


def test_a_wrong_answer_is_not_timed() -> None:
    """The check finds a truth that is not what a contender says."""
    source = of_size(1_000, 3)
    ticks = [*source.ticks[:2], source.ticks[1]]
    with pytest.raises(WrongAnswer):
        check(Stages(source.settings), [ticks[0], source.ticks[2]])


def test_every_message_is_timed_once_for_each_contender() -> None:
    """Whatever the rounds and blocks, a column has one time for each message that counts."""
    source = of_size(1_000, 30)
    mine, other = race([lambda: Stages(source.settings), ObviousWay], source.ticks, rounds=2, skip=5)
    assert {len(times) for times in (*mine.values(), *other.values())} == {25}
    assert tuple(mine) == Stages.columns
    assert all(time >= 0 for times in mine.values() for time in times)


@pytest.mark.parametrize("name", ["this program", "SortedDict, the obvious way"])
def test_a_peer_is_checked_message_by_message(name: str) -> None:
    """What a peer's process does with its file, here with the two that need nothing else installed."""
    messages, truths = _messages(simulated(60))
    found = run(name, messages, truths, rounds=1)
    assert found["right"] == found["of"] == len(messages)


def test_a_peers_messages_follow_each_other() -> None:
    """Some peers look at the ids and would start over at a gap, even after the first message."""
    messages, _ = _messages(simulated(60))
    first, *others = (msgspec.json.decode(data) for data in messages)
    ids = [first["u"], *(message["u"] for message in others)]
    assert [message["pu"] for message in others] == ids[:-1]


def test_goals_are_met_up_to_their_limit() -> None:
    """Each input and each core has limits of its own, and each figure is judged alone."""
    reached = dict.fromkeys([*stages.WHOLES, stages.SECOND], Spread(mean=4.0, median=9.0, p99=4.0))
    recording, other = (
        stages.goals_of(Input(name, EngineSettings(), []), reached, Core.PURE) for name in (RECORDED, "x")
    )
    compiled = stages.goals_of(Input(RECORDED, EngineSettings(), []), reached, Core.COMPILED)
    assert str(compiled[2]).endswith("bookkeeping too, mean within 6 x decode: 4.00 (met)")
    assert str(compiled[-1]) == "* bytes to exact top ten, 99 % within 3 x decode: 4.00 (not met)"
    assert str(recording[0]) == "* bytes to exact top ten, mean within 3.7 x decode: 4.00 (not met)"
    assert str(other[0]) == "* bytes to exact top ten, mean within 4.2 x decode: 4.00 (met)"
    assert str(recording[-1]) == "* bytes to exact top ten, 99 % within 3.6 x decode: 4.00 (not met)"
    assert Goal("x", "mean", 4.0, 4.0).__str__().endswith("(met)")


def test_figures_are_by_nearest_rank() -> None:
    """Median and 99th percentile are times that occurred."""
    assert spread(range(1, 101)) == Spread(50.5, 50, 99)


def test_tables_are_markdown() -> None:
    """First column to the left, figures to the right."""
    assert table(["who", "mean"], [["we", "5.00"]]) == "| who | mean |\n|-----|-----:|\n| we  | 5.00 |\n"


def test_the_command_prints_tables_and_goals(capsys: pytest.CaptureFixture[str]) -> None:
    """With a handful of messages the whole command runs through."""
    assert main(["--messages", "40", "--rounds", "1", "--skip", "10", "--no-program"]) == 0
    printed = capsys.readouterr().out
    for expected in (
        "### simulated exchange",
        "bytes to exact top ten",
        "20,000 a side",
        "mean within 4.2 x decode" if running_core() is Core.PURE else "mean within 3.5 x decode",
        "as the book grows",
    ):
        assert expected in printed


def test_latency_is_measured_on_true_top_tens() -> None:
    """An engine on sockets takes every message of a short replay, and a wrong truth is noticed."""
    script, truth = script_of(300, recording=False)
    found = latency.measure(script, truth, speed=20.0, warm_up=5)
    assert found.compared > 200
    assert found.frames >= 1
    assert len(found.row()) == len(latency.HEAD)


def test_a_wrong_top_ten_ends_the_measurement_of_latency() -> None:
    """Times are not believed where the book is not the true one."""
    _, truth = script_of(3, recording=False)
    engine = latency.WatchedEngine("BTCUSDT")
    taken = [(u, 0, None) for u in truth.tops]
    with pytest.raises(WrongAnswer, match="never was exact"):
        latency._check(engine, taken, truth)
    with pytest.raises(WrongAnswer, match="2 depth messages came, of 3"):
        latency._check(engine, taken[1:], truth)


async def test_scale_runs_the_program_with_symbols_of_its_own() -> None:
    """Every symbol of the larger exchange goes live, and all roles are found."""
    found = await scale.measure(symbols=3, seconds=2.0, settle=0.0)
    assert found.live > 0
    assert found.due == 6
    assert found.usage.memory_mib > 0
    assert len(found.row()) == len(scale.HEAD)
    assert all(len(points) == 1 for points in scale.plot([found]).values())


def test_one_market_is_sent_under_every_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each name gets every message once, and no other name in it."""
    exchange = many_symbols.ManySymbols(2)
    sent: list[tuple[str, bytes]] = []
    monkeypatch.setattr(
        exchange._streams, "publish", lambda _, stream, frames: sent.extend((stream, raw) for raw in frames)
    )
    market = exchange.market("SIM1USDT")
    exchange._send(market, market.advance(market.now_ms + 1_000))
    for name in many_symbols.names(2):
        mine = [raw for stream, raw in sent if stream == f"{name.lower()}@depth@100ms"]
        assert [decode_depth_update(raw).symbol for raw in mine] == [name] * 10
    assert not any(b"BTCUSDT" in raw for _, raw in sent)
