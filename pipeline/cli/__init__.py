"""What a person types: the command line's parts, one file a group of commands."""
