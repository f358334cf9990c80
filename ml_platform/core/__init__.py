"""Values, ports and errors that every other package speaks in; standard library only."""
