"""How a student is made: trim, cut, label, tune, export. A file a stage, each a function from one value to the next."""
