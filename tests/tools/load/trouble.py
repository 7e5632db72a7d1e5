"""A process of clients that misbehave for as long as they are let."""

import asyncio
from random import Random

from tests.tools.campaign import hostile

LONG = 3_600.0


def be_trouble(port: int, symbol: str, slow: int, floods: int) -> None:
    """Have so many clients read nothing, and so many flood, until the process is killed."""

    async def all_of_them() -> None:
        await asyncio.gather(
            *(hostile.read_nothing(port, symbol, LONG) for _ in range(slow)),
            *(hostile.flood(port, symbol, LONG, Random(number)) for number in range(floods)),  # noqa: S311
        )

    asyncio.run(all_of_them())
