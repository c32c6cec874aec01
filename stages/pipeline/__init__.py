"""What every stage needs: checked parameters, files, random streams, the device, progress."""
