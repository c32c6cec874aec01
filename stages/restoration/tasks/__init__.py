"""What can be missing from an image; each module has a TASK, which `tasks` in params.yaml names."""
