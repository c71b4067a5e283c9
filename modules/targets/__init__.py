"""What is predicted: one file a kind of target, which owns all that is peculiar to it. `kinds` finds it by name."""
