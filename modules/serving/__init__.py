"""What a server gets: the signatures of a SavedModel."""
