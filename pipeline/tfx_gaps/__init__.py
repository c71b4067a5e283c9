"""Where TFX and its libraries are extended from within; nowhere else."""
