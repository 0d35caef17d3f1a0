"""The report: what the stages' records say, as one HTML file and as one page of Markdown."""
