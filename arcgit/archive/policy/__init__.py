"""The policy as a proposal in the work tree, its way onto the ledger, and the keys that it lists."""
