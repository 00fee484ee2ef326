"""When the next batch may go: pure arithmetic on (clock, event). Nothing here waits or reads a clock.

Floor 1: knows nothing of HTTP, items or files.
"""

from bulkexo.pace.backoff import Backoff
from bulkexo.pace.pacer import Allowance, Pacer, Sighting

__all__ = ["Allowance", "Backoff", "Pacer", "Sighting"]
