"""Requests to an engine: checked, shown, sent."""
