"""What compiler and container agree on: the target, its limits, and the specification."""
