"""The Dash page. It knows the API's address and the symbols, and nothing else of this program."""
