"""Start jobs, list them, watch them."""
