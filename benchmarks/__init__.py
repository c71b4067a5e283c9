"""Side by side with what a user would pick instead; `make bench` runs all, `docs/benchmarks.md` shows the results."""
