"""The governed model MODEL_NAME."""
