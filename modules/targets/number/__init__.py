"""A number: `target` is the section; a file each for what a node of its own runs for it."""
