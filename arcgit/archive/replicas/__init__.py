"""`arcgit replicate`: which objects a second place needs, their way there, the proof of them, and what is said of it."""
