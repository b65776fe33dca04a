"""The vendors' side of the wire for the sandbox, written from the vendors' documents."""
