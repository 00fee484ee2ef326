"""`check --online`: a job set against what the tenant holds now, by reads alone.

`questions` says what to ask of an item and what the answer means; `lookup` asks. Floor 4.
"""

from bulkexo.online.lookup import Looked, Lookup
from bulkexo.online.questions import Question, Questions, Want, finding

__all__ = ["Looked", "Lookup", "Question", "Questions", "Want", "finding"]
