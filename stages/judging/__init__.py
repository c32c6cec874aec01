"""How good images are: drawn ones, restored ones, and what of an image survives."""
