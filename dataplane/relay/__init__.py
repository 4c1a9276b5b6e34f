"""What decides between one client and its broker. Pure: time, sockets and tasks are elsewhere."""
