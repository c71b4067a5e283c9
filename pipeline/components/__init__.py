"""Components for what TFX lacks, and standard ones that need a stricter executor."""
