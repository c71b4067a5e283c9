"""The tasks that come with the project, beside what one would use instead."""
