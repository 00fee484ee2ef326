"""A job's values set against those that an object has now, as Exchange compares them. Pure. Floor 2:
knows the catalogue and the nouns of model, and nothing of files, clocks or HTTP.
"""

from bulkexo.compare.sorts import Sort, sort_of
from bulkexo.compare.values import Difference, Names, applied, difference, same

__all__ = ["Difference", "Names", "Sort", "applied", "difference", "same", "sort_of"]
