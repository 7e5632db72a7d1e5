"""Exchange messages in: streams, snapshots, wire types, the simulated exchange."""
