"""From pixels to a map of features: a file a kind, which knows its layers and, where it has some, its weights."""
