"""Our own administration API, `/api/v1`."""
