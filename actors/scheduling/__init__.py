"""When a job runs, whether it may, and the run itself."""
