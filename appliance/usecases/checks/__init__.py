"""What `spira doctor` looks at: one condition a file, each a pure decision."""
