"""In-memory stand-ins that keep the contract of a port."""
