"""The study's pipeline. One script a stage (a verb); the rooms beside them hold the nouns that the scripts call."""
