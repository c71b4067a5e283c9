"""From the vectors of several inputs to one: the only place where inputs meet. A file a way, and a table of them."""
