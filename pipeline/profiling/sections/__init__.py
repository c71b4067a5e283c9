"""Parts of a drafted configuration that stand for themselves, and how they are written."""
