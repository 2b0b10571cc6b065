"""What users declare, job classes and plugins, and one run of a job."""
