"""Judging a push before any ref is moved, for the hooks of a server and for pre-push."""
