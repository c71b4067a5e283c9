"""The pipeline's definition, its components, and what runs it."""
