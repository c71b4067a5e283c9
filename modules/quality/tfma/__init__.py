"""What TFMA is told, what it found, and the metrics that it lacks."""
