"""Tracking: callbacks become events, events become states, and each event has its side effect."""
