"""How a text is cut into tokens, what its vocabulary is, how texts vary and what they look like."""
