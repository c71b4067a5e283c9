"""What all benchmarks share: the machine, alternation, noise, growth, result files and tables.

Nothing here imports TensorFlow, TFX or a peer, so that a benchmark's parent process stays small and starts at once.
"""
