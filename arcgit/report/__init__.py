"""Renderings: values in, text out. Everything that came from data is escaped for where it goes."""
