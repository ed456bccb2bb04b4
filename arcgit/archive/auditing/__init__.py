"""`arcgit audit-report`: what a reviewer asks about, the records behind it, and what changed between them."""
