"""Readings of fixed length, of one moment or a series: `input` is the section; a file each for what a node runs."""
