"""The memory of one run, on this machine or in S3: folder, journal, lock, saved plan."""
