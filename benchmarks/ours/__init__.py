"""Our sides of the benchmarks, and what they hand to the peers as plain files."""
