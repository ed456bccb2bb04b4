"""The repository: objects and refs, snapshots of index, rev and work tree, and the exchange with remotes."""
