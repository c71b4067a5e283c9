"""Which rows a task reads: the section `data` and its parts."""
