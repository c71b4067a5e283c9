"""The report of a run: facts gathered from artifacts into JSON values, and one HTML file rendered from them."""
