"""How a training goes: load, build, fit, decide, export, record. A file a stage, each from one value to the next."""
