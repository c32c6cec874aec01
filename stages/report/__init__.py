"""What a reader gets: tables, and every figure as a function from tables and images to a PNG."""
