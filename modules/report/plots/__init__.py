"""The report's figures, by Plotly, made of its facts."""
