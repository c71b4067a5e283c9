"""The model card: what is written beside a pushed model, as JSON and as a page."""
