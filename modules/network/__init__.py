"""The network: its layers, its weights by name, and the folder that a trained one is rebuilt from."""
