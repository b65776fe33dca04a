"""Short links: a code per message and destination, the target stored, never in the address."""
