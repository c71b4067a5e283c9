"""What is in a file of rows, and a first configuration and schema for it. Imports neither Beam nor TensorFlow."""
