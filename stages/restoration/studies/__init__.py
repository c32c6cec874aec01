"""Side studies of the search: which norm fits which corruption, how fast which solver is."""
