"""Names of the features that Transform writes and the network reads."""

LABEL_ID = "label_id"
TOKEN_IDS, PADDING_MASK = "token_ids", "padding_mask"
