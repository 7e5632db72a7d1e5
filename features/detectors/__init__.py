"""One small state machine for each kind of liquidity event; `features.liquidity_detection` is the door."""
