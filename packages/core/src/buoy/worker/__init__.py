"""The worker: takes jobs from queues and has an executor run them."""
