"""Any labelled text file: what the drafted configuration makes of it, beside what one would have written instead."""
