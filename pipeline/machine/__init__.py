"""What this machine lacks and holds: the doctor, the default data, the image. Needs nothing installed."""
