"""The dependency DAG of a document, its measures and drawings."""
