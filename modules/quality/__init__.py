"""How good a model is: scores, TFMA's metrics, intervals, fairness, comparison."""
