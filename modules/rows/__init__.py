"""How rows become batches: raw examples, transformed ones, and the stream that trains on them."""
