"""The shared resources: each an actor that lends units of one backend, as leases."""
