"""What readers see: every figure as a function from tables and images to a PNG."""
