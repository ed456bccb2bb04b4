"""arcgit: a Git-native archive of machine learning experiments."""

__version__ = "0.1.0"
