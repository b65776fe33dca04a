"""Acme SMS for recallgate."""
