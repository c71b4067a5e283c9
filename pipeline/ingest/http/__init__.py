"""How is an HTTP API asked, and bounded in time, size and trust?"""
