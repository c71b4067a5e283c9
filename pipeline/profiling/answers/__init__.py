"""What a column of answers holds: one label a row, several of them, or a number; and what its rows say of it."""
