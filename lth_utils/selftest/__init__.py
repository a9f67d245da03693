"""What a device computes, held against the CPU: one command, one page to send."""
