"""Consent and suppression: what people, vendors and bounces tell us, as entries of one ledger."""
