"""A number beside a text: `input` is the section; a file each for what a node of its own runs for it."""
