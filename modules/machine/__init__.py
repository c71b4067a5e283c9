"""The machine that this process runs on: cores, devices, memory, packages, and progress reports."""
