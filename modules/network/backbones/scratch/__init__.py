"""Random weights in a shape of one's own: for tests, and for vocabularies that no pretrained encoder has."""
