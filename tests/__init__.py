"""The tests: a folder for each room, and `tests.job.nasty` for whoever needs difficult rows."""
