"""The clock of the event loop, by which deadlines are set.

It is `anyio.current_time` without the search for the library in use, which took a twentieth of all that is
done for a batch: it is asked a dozen times for each.
"""

from __future__ import annotations

from asyncio import get_running_loop


def now() -> float:
    """Seconds."""
    return get_running_loop().time()
