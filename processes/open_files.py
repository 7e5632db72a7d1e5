"""How many files this process may have open, sockets among them, and how many of them streams may take."""

import contextlib
import sys
from typing import Final

WANTED: Final = 2**16
RESERVE: Final = 96
"""Files of the API that no stream takes: its own, some twenty, and requests of operators for its routes."""
FEWEST: Final = 8
"""Streams that are served under any limit."""

if sys.platform == "win32":  # there is no limit of that kind

    def raise_limit() -> None:
        """Leave all as it is."""

    def most_streams(feeds: int) -> int | None:
        """Return that any number of streams may be served."""
        del feeds
        return None

else:
    import resource

    _ENOUGH: Final = (WANTED, 10_240)
    """Soft limits that are tried where the hard one does not say how far one may go; 10,240 is macOS's."""

    def raise_limit() -> None:
        """Raise the soft limit of open files as far as this process and its children may and could need."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        for wanted in _ENOUGH:
            most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            if soft == resource.RLIM_INFINITY or soft >= most:
                return
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
                return

    def most_streams(feeds: int) -> int | None:
        """Return how many streams the API may serve beside so many feeds; None for any number."""
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return None if soft == resource.RLIM_INFINITY else max(FEWEST, soft - RESERVE - feeds)
