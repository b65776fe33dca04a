"""Policies: pure rules over a frozen case, one file each, and the chain that asks them."""
