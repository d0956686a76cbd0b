"""Run a service under load and faults and check that it neither fails nor grows: `make soak`."""
