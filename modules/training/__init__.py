"""How a network learns: schedule, optimizer, metrics, hyperparameters, and what survives a kill."""
