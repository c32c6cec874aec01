"""The study's pipeline. Each script is one command; the folders hold the code that scripts share."""
