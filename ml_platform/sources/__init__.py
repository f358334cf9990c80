"""Where rows come from: files and tables inside installed packages, read without importing anything of theirs."""
