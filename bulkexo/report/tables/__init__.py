"""What the cmdlets of a run returned, as a table in one of four formats (rules: docs/tables.md)."""
