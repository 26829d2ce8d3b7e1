"""The framework-free half of the consumers: decorators, handler tables, dispatch, events and topics."""
