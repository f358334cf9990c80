"""The platform's tests, one per file: each takes a bench and says what is wrong; an empty text says that it holds."""
