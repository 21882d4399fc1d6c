"""The figures of a report: plain Vega-Lite specifications, one function a figure."""
