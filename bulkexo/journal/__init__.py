"""What has happened: the run folder and its files. Floor 1: knows nothing of HTTP and pace."""

from bulkexo.journal.folder import RunFolder
from bulkexo.journal.past import Past
from bulkexo.journal.results import Results

__all__ = ["Past", "Results", "RunFolder"]
