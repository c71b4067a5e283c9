"""Nodes and queries that find what earlier runs left; none of their results is ever taken from the cache."""
