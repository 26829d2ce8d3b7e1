"""What tests and demos need around chanx: a real Redis-protocol server of their own."""
