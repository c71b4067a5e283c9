"""What a bundle answers with: a file a kind of target. `kinds` finds it by name."""
