"""What registration refuses."""


class RegistrationError(ValueError):
    """Two scans cannot be registered; the message says what was expected and found, and what to do."""
