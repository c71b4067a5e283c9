"""What answers rows: a bundle by LiteRT, a SavedModel by TensorFlow; one interface."""
