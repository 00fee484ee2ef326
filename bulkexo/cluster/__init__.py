"""A run whose tenants are spread over processes or machines, by Dask's `distributed`. Floor 4.

The coordinator has the job, the journal and the secrets, and answers; a worker asks. What passes between them
is in `messages`.
"""
