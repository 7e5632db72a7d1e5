"""How engines tell the API what they know: the messages, and the publisher beside each engine."""
