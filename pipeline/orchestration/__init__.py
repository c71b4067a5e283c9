"""Where and how a compiled pipeline runs."""
