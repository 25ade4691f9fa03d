"""`manage.py benchmark`: the workload, its scratch servers, what is measured, and the table."""
