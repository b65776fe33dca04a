"""`recallgate demo`: one campaign on real customers, from layering to review, in virtual time."""
