"""all-MiniLM-L6-v2: six layers of 384 units, distilled and tuned for sentences."""
