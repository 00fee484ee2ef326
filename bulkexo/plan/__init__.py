"""`bulkexo plan`: what a job would change, by reads alone. Floor 4, beside online/.

`groups` says what to read for the items of a row and what the answers come to; `planner` reads; `book` keeps
the lines; `judge` says of an item of a plan, or of one that may be unchanged, whether it is sent.
"""

from bulkexo.plan.book import Book, Counts
from bulkexo.plan.planner import Planner

__all__ = ["Book", "Counts", "Planner"]
