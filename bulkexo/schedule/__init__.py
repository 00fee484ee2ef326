"""Packs items into batches, asks pace, sends through net, reads with wire, hands outcomes on.

Floor 3: knows nothing of files and formats.
"""

from bulkexo.choices import OnUnknown, Order
from bulkexo.schedule.before import Before, Ending, Found
from bulkexo.schedule.desk import Sink
from bulkexo.schedule.gate import Gate, Gates, Tokens, Transport
from bulkexo.schedule.lanes import Lanes, Ticket
from bulkexo.schedule.observer import Exchange, Observer
from bulkexo.schedule.paging import Keep, PageLimits
from bulkexo.schedule.scheduler import Scheduler
from bulkexo.schedule.settings import Announce, Decide, Past, Settings
from bulkexo.schedule.settle import Rules
from bulkexo.schedule.tally import Tally

__all__ = [
    "Announce",
    "Before",
    "Decide",
    "Ending",
    "Exchange",
    "Found",
    "Gate",
    "Gates",
    "Keep",
    "Lanes",
    "Observer",
    "OnUnknown",
    "Order",
    "PageLimits",
    "Past",
    "Rules",
    "Scheduler",
    "Settings",
    "Sink",
    "Tally",
    "Ticket",
    "Tokens",
    "Transport",
]
