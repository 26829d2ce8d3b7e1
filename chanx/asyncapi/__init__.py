"""AsyncAPI 3.0 documents of consumers and topics: making, serving, comparing and showing them."""
