"""What a task decides: the validated configuration, one file a section, and errors that name file, line and field."""
