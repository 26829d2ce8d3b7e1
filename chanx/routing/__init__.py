"""Finding the WebSocket routes of an application, whatever framework routes it."""
