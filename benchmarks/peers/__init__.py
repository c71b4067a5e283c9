"""The peers' sides: what a user would pick instead. They run in an environment of their own, see requirements.in."""
