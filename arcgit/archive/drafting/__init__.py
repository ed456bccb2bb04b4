"""`arcgit draft`: what a repository seems to have for a manifest, and writing it into one that a person has written."""
