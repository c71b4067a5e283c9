"""How a training goes: load, build, fit, export, record. A file a stage, each a function from one value to the next."""
