"""What an orchestrator can do and how it is asked: a class each."""
