"""Bundled vendor adapters of recallgate: one file a vendor, found by entry point."""
