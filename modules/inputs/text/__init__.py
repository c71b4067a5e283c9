"""A text: what the kind is in `input`, and a file for each role that it plays in a node of its own."""
