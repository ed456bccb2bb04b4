"""DVC: its files, read from bytes without importing it, and its remotes, the only place where it is imported."""
