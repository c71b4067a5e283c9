"""How a network gets small: cut, pruned, distilled and tuned with rounded weights."""
