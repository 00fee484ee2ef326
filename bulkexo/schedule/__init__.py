"""Packs items into batches, asks pace, sends through net, reads with wire, hands outcomes on.

Floor 3: knows nothing of files and formats.
"""

from bulkexo.schedule.lanes import Lanes, Order, Ticket
from bulkexo.schedule.scheduler import Scheduler, Settings, Sink, Tokens, Transport
from bulkexo.schedule.tally import Tally

__all__ = [
    "Lanes",
    "Order",
    "Scheduler",
    "Settings",
    "Sink",
    "Tally",
    "Ticket",
    "Tokens",
    "Transport",
]
