"""Bytes out, bytes in, and the tokens. Decides nothing; knows nothing of jobs and rows. Floor 2."""
