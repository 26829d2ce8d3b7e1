"""The main job on the real stack, in a real browser."""
