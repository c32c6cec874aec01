"""What is seen of an image, and what restores it: the search of a prior's codes, and what people would use instead."""
