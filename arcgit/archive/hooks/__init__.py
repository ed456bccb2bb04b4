"""Putting the hooks of git into a repository, and taking them out again as if they had never been there."""
