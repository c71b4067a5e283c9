"""Pretrained encoders: which architecture and which weights a configuration asks for."""
