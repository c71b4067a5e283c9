"""From files to examples."""
