"""Delivery: from a row to a vendor and back, a page at a time, with an intent before every call."""
