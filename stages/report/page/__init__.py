"""The report: text from the tables, an explorer of the restored images, and both as HTML and PDF."""
