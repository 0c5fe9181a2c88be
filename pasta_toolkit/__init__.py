"""Tools for PASTA-LANG: diagnostics, data sets, token counts, DAGs, the annotator and the command line."""
