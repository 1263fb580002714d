"""What carries attempts to an executor: in this process, or a worker with a durable queue."""
