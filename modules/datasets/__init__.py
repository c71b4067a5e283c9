"""Which rows arrive through the package registry, and how does each set become one CSV file in the user's cache?"""
