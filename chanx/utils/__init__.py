"""Small helpers that belong to no concept of their own."""
