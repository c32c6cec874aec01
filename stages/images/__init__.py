"""Where images come from: image sets, their splits, a person's own picture."""
