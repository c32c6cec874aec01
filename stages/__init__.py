"""The pipeline: one script a stage (verbs), and the nouns they call in gan/, restoration/ and pipeline/."""
