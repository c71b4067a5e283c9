"""Kinds of one's own, as an extension brings them: each file is what a task would write beside its configuration."""
