"""The image sets that `data.name` can name; each module has a SOURCE."""
