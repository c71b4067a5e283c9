"""A point in time: `input` is the section, `calendar` the arithmetic; a file each for what a node of its own runs."""
