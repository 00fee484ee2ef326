"""A job's values set against those that an object has now, as Exchange compares them. Pure. Floor 2:
knows the catalogue, cmdlets and the nouns of model, and nothing of files, clocks or HTTP.

`values` compares two values, `sorts` says as what, `items` a whole item with what a read of its object shows.
"""

from bulkexo.compare.items import (
    Assessed,
    Change,
    apart,
    assess,
    moved,
    names_of,
    reading,
    references,
    unread,
)
from bulkexo.compare.scalars import reference
from bulkexo.compare.sorts import Sort, sort_of
from bulkexo.compare.values import Difference, Names, applied, difference, same

__all__ = [
    "Assessed",
    "Change",
    "Difference",
    "Names",
    "Sort",
    "apart",
    "applied",
    "assess",
    "difference",
    "moved",
    "names_of",
    "reading",
    "reference",
    "references",
    "same",
    "sort_of",
    "unread",
]
