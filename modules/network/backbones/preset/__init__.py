"""BERT presets of KerasNLP, by name or from a local folder."""
