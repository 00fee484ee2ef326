"""Looks back at a run. Knows nothing of the network."""
