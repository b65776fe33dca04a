"""Texts: how long they are on the wire, what fills them in, and the rules for what they say."""
