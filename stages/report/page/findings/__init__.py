"""What the tables say, as sections ask for it: who is ahead, on which images, in how many trainings."""
