"""The wire: httpx clients over lanes, one overall deadline a call, a cap on what is read, tokens, redacted logs."""
