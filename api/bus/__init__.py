"""How engines tell any number of APIs what they know, over NATS, and how an API merges several engines."""
