"""Looking at the data behind records where it lies: what of it, how it is read, and what is said of it then."""
