"""Where the lines of the program's processes go.

In a terminal the status lines stay in place. Elsewhere, in a file or a service manager's journal, each has a
time and comes when the state of its symbol changes, and once a minute.
"""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from processes.outputs import has_reader

SAID_EVERY: Final = 60.0  # seconds between two status lines of one symbol whose state stays


class Screen:
    """Lines for a file. A status line begins with the word for its state; both clocks are in seconds."""

    def __init__(
        self, steady: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        self._steady = steady
        self._wall = wall
        self._said: dict[str, tuple[str, float]] = {}  # by name, the state that was said last, and when

    def status(self, name: str, line: str) -> None:
        """Show the newest status line of a process, if there is something new in it.

        Raises BrokenPipeError once nobody reads any more, whether or not there is.
        """
        state, now = line.partition(" ")[0], self._steady()
        said, at = self._said.get(name, ("", now))
        if state == said and now - at < SAID_EVERY:
            if not has_reader(sys.stdout):
                raise BrokenPipeError("nobody reads any more")
            return
        self._said[name] = state, now
        print(time.strftime("%H:%M:%S", time.localtime(self._wall())), line, flush=True)

    def message(self, line: str) -> None:
        """Show a line of a process's log."""
        print(line, file=sys.stderr, flush=True)


class _Terminal(Screen):
    def __init__(self, live: Any) -> None:
        super().__init__()
        self._live = live
        self._lines: dict[str, str] = {}

    def status(self, name: str, line: str) -> None:
        from rich.text import Text

        self._lines[name] = line
        text = Text(
            "\n".join(self._lines[key] for key in sorted(self._lines)), no_wrap=True, overflow="ellipsis"
        )
        text.highlight_words(["LIVE"], "bold green")
        text.highlight_words(["SYNCING", "STALE", "SIMULATED"], "bold yellow")
        self._live.update(text, refresh=True)

    def message(self, line: str) -> None:
        self._live.console.print(line, markup=False, highlight=False)


@contextlib.contextmanager
def screen_of_this_terminal() -> Iterator[Screen]:
    """Give a `Screen` for as long as it is used."""
    if not sys.stdout.isatty():
        yield Screen()
        return
    from rich.live import Live

    with Live(auto_refresh=False) as live:
        yield _Terminal(live)
