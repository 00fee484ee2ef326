"""When the next batch may go: pure arithmetic on (clock, event). Only `bucket.py` waits and reads a clock.

Floor 1: knows nothing of HTTP, items or files (but `memory.py`, which keeps what was learned).
"""

from bulkexo.pace.backoff import Backoff
from bulkexo.pace.pacer import Pacer
from bulkexo.pace.sights import Allowance, Learned, Sighting, State

__all__ = ["Allowance", "Backoff", "Learned", "Pacer", "Sighting", "State"]
