"""`arcgit sync`: fetching, judging, signing again on top, and pushing; and what waits in a clone meanwhile."""
