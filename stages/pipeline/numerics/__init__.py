"""What every number depends on: the device and its precision, random streams, the levels of pixels."""
