"""The sandbox: vendors, people and their habits, in virtual time or as real servers."""
