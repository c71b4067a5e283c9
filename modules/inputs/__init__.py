"""What comes in: one file a kind of input, which owns all that is peculiar to it. `kinds` finds it by name."""
