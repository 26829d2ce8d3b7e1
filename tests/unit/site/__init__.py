"""The example site's own parts, without servers."""
