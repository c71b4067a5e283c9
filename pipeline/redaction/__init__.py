"""What must stay secret: where it is read, and how it is kept out of whatever is shown, logged or stored."""
