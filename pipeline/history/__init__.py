"""What earlier runs did: where everything lies, the metadata store, comparison, lineage."""
