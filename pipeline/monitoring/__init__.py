"""How what is served differs from what was trained on."""
