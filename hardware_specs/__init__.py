"""Hold the shipped machines; a package, so that an editable install finds the files too."""
