"""What the sandbox says when it cannot go on."""


class SandboxError(RuntimeError):
    """Something is missing or broken; the message is one line that says what to do about it."""
