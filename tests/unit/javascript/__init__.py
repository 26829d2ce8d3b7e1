"""The JavaScript that browsers load, under Node."""
