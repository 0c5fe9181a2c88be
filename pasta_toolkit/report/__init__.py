"""Reports: values that say what was found, and one renderer a file. No arithmetic in renderers."""
