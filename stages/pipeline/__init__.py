"""What every stage needs and no stage is about: parameters, files, random streams, the device, processes, progress."""
