"""Values that every room shares: channel, address, content, message, receipt, event, state, error, verdict, clock."""
