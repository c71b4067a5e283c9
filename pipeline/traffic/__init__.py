"""What is served, seen in windows over the log of requests: what it is like, and which alerts follow from it."""
