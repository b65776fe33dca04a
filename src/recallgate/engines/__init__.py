"""Engines: who runs pages and jobs, in one process or on many hosts."""
