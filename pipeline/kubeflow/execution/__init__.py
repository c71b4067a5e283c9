"""Runs a compiled specification on this machine, standing in for the engine: the proof that the specification works."""
