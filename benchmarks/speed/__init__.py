"""What the benchmarks of speed share: the server, the jobs, and measuring things side by side."""
