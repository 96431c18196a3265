"""A result to a Plotly figure."""
