"""bulkexo: bulk Exchange Online changes and reports, with the outcome of every item."""

__version__ = "0.1.0"
