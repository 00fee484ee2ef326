"""Tests of the loader: job files in, Items or sentences out."""
