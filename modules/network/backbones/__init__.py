"""Pretrained encoders, a folder each: its section of the configuration, vocabulary and licence, and its weights."""
