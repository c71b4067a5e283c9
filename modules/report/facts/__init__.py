"""What a report says, gathered from the artifacts of a run."""
