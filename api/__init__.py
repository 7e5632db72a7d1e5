"""FastAPI server: frames out over WebSocket, health and metrics."""
