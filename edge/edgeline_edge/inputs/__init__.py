"""What a device does before the model: one file a kind of input, as the manifest of a bundle describes it."""
