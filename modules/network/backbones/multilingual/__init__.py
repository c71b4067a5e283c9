"""multilingual-e5-small: twelve layers of 384 units, tuned for sentences of some hundred languages."""
