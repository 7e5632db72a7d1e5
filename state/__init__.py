"""The engine that ties one symbol's layers together, and its rolling window: pure."""
