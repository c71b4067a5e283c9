"""Names of the tensors that a text becomes."""

TOKEN_IDS, PADDING_MASK = "token_ids", "padding_mask"
