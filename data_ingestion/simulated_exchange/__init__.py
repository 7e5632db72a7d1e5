"""A loopback exchange that speaks as Binance USDT-M futures does, with simulated markets behind it."""
