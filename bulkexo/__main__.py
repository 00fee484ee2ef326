"""`python -m bulkexo`."""

from bulkexo.cli import main

main()
