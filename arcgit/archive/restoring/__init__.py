"""`arcgit restore`: what is wanted of a record, the way of each file into its place, and the word of it on the ledger."""
