"""What the stages hand to each other: records, files, hashes and errors.

The ground floor of the project: it imports nothing else of axedge.
"""
