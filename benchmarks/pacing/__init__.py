"""Simulated tenants on a virtual clock, the clients that meet them, and what is measured."""
