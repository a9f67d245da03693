"""What the notebooks ask: tables from runs, statistics, and verdicts on the claims."""
